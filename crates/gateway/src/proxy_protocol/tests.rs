use proptest::prelude::*;

use super::*;

fn whole(bytes: &[u8]) -> Result<ProxyHeader, ProxyFault> {
    match parse(bytes)? {
        Parsed::Whole(header, length) => {
            assert_eq!(length, bytes.len());
            Ok(header)
        }
        Parsed::Partial(more) => panic!("{more} bytes are missing"),
    }
}

fn client(text: &str) -> ProxyHeader {
    ProxyHeader::Client(text.parse().unwrap())
}

pub(super) fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&V2_SIGNATURE[..], &[command, family], &length, body].concat()
}

#[test]
fn version_1_names_the_client() {
    assert_eq!(whole(b"PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\r\n"), Ok(client("203.0.113.7")));
    assert_eq!(whole(b"PROXY TCP6 2001:db8::9 ::1 0 65535\r\n"), Ok(client("2001:db8::9")));
    assert_eq!(
        whole(b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n"),
        Ok(client("203.0.113.7")),
        "IPv4 in IPv6's clothes"
    );
    assert_eq!(whole(b"PROXY UNKNOWN\r\n"), Ok(ProxyHeader::Proxy));
    assert_eq!(whole(b"PROXY UNKNOWN ff::1 whatever\r\n"), Ok(ProxyHeader::Proxy));
}

#[test]
fn version_1_is_taken_in_its_one_form_only() {
    for line in [
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 40000 443 1\r\n",
        "PROXY TCP4  203.0.113.7 198.51.100.1 40000 443\r\n",
        "PROXY TCP4 203.0.113.007 198.51.100.1 40000 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 040 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 +40 443\r\n",
        "PROXY TCP4 203.0.113.7 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 2001:db8::9 198.51.100.1 1 2\r\n",
        "PROXY TCP6 203.0.113.7 ::1 1 2\r\n",
        "PROXY TCP4 localhost 198.51.100.1 1 2\r\n",
        "PROXY TCP4 203.0.113.7\n 198.51.100.1 1 2\r\n",
        "PROXY TCP4 203.0.113.7\u{e9} 198.51.100.1 1 2\r\n",
    ] {
        assert_eq!(parse(line.as_bytes()), Err(ProxyFault::Malformed), "{line:?}");
    }
    assert_eq!(parse(b"PROXY UDP4 203.0.113.7 198.51.100.1 1 2\r\n"), Err(ProxyFault::Unknown));
    assert_eq!(parse(b"PROXY tcp4 203.0.113.7 198.51.100.1 1 2\r\n"), Err(ProxyFault::Unknown));
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat();
    assert_eq!(parse(&endless), Err(ProxyFault::TooLong));
}

#[test]
fn version_2_names_the_client_and_its_extensions_are_skipped() {
    let v4 = [203, 0, 113, 7, 198, 51, 100, 1, 0x9c, 0x40, 1, 0xbb];
    assert_eq!(whole(&v2(0x21, 0x11, &v4)), Ok(client("203.0.113.7")));
    let with_extension = [&v4[..], &[0x04, 0, 1, 0]].concat();
    assert_eq!(whole(&v2(0x21, 0x11, &with_extension)), Ok(client("203.0.113.7")));
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v6[15] = 9;
    assert_eq!(whole(&v2(0x21, 0x21, &v6)), Ok(client("2001:db8::9")));
}

#[test]
fn version_2_of_the_proxy_itself_or_of_no_ip_address_names_nobody() {
    assert_eq!(whole(&v2(0x20, 0x00, &[])), Ok(ProxyHeader::Proxy), "LOCAL, as health checks send it");
    assert_eq!(whole(&v2(0x20, 0x11, &[9; 12])), Ok(ProxyHeader::Proxy), "LOCAL: addresses are ignored");
    assert_eq!(whole(&v2(0x21, 0x00, &[])), Ok(ProxyHeader::Proxy), "AF_UNSPEC");
    assert_eq!(whole(&v2(0x21, 0x31, &[0; 216])), Ok(ProxyHeader::Proxy), "AF_UNIX");
}

#[test]
fn version_2_that_lies_is_refused_from_its_fixed_part_alone() {
    assert_eq!(parse(&v2(0x21, 0x11, &[1; 11])), Err(ProxyFault::Malformed), "too short for its addresses");
    assert_eq!(parse(&v2(0x31, 0x11, &[1; 12])), Err(ProxyFault::Unknown), "version 3");
    assert_eq!(parse(&v2(0x22, 0x11, &[1; 12])), Err(ProxyFault::Unknown), "command 2");
    assert_eq!(parse(&v2(0x21, 0x12, &[1; 12])), Err(ProxyFault::Unknown), "UDP");
    assert_eq!(parse(&v2(0x21, 0x41, &[1; 12])), Err(ProxyFault::Unknown), "family 4");
    let huge = [&V2_SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff]].concat();
    assert_eq!(parse(&huge), Err(ProxyFault::TooLong));
}

#[test]
fn what_begins_otherwise_is_no_header() {
    for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"PROX ", b"proxy TCP4", b"\r\n\r\nGET", b"PROXYTCP4"] {
        assert_eq!(parse(bytes), Err(ProxyFault::Absent), "{bytes:?}");
    }
}

/// As a reader takes it: never more than was asked for.
fn read_by_demand(bytes: &[u8]) -> (Result<ProxyHeader, ProxyFault>, usize) {
    let mut taken = 0;
    loop {
        match parse(&bytes[..taken]) {
            Ok(Parsed::Partial(more)) if taken + more <= bytes.len() => taken += more,
            Ok(Parsed::Partial(_)) => return (Err(ProxyFault::Malformed), taken),
            Ok(Parsed::Whole(header, length)) => {
                assert_eq!(length, taken, "a byte of what follows was taken");
                return (Ok(header), taken);
            }
            Err(fault) => return (Err(fault), taken),
        }
    }
}

#[test]
fn the_shortest_header_is_read_without_a_byte_of_what_follows() {
    for header in [&b"PROXY UNKNOWN\r\n"[..], &v2(0x20, 0, &[])] {
        assert_eq!(read_by_demand(&[header, b"\x16\x03"].concat()), (Ok(ProxyHeader::Proxy), header.len()));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_it_and_progress_is_always_asked_for(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Parsed::Partial(more)) = parse(&bytes) {
            prop_assert!(more > 0);
        }
    }

    #[test]
    fn nothing_after_the_header_is_read_or_matters(
        source in any::<Ipv6Addr>(), destination in any::<Ipv6Addr>(), port in any::<u16>(),
        extensions in prop::collection::vec(any::<u8>(), 0..200), after in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let body = [&source.octets()[..], &destination.octets(), &port.to_be_bytes(), &[0, 1], &extensions].concat();
        let text = format!("PROXY TCP6 {source} {destination} {port} 1\r\n");
        for header in [v2(0x21, 0x21, &body), text.into_bytes()] {
            let (read, taken) = read_by_demand(&[&header[..], &after].concat());
            prop_assert_eq!(read, Ok(ProxyHeader::Client(IpAddr::V6(source).to_canonical())));
            prop_assert_eq!(taken, header.len());
        }
    }
}
