use proptest::prelude::*;

use super::*;

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn length(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn field(name: &str, at: u64, label: u64, kind: u64, type_name: &str) -> Vec<u8> {
    let named = if type_name.is_empty() { Vec::new() } else { length(6, type_name.as_bytes()) };
    length(2, &[length(1, name.as_bytes()), number(3, at), number(4, label), number(5, kind), named].concat())
}

/// What `protoc` writes of
/// `message Item { string name = 1; int32 count = 2; repeated int32 sizes = 3; Item part = 4; repeated fixed32 codes = 5; bytes raw = 6; }`
/// `message Old { required string key = 1; optional group Inner = 2 { optional int32 x = 1; } }`
fn set() -> Vec<u8> {
    let item = [
        length(1, b"Item"),
        field("name", 1, 1, 9, ""),
        field("count", 2, 1, 5, ""),
        field("sizes", 3, 3, 5, ""),
        field("part", 4, 1, 11, ".shop.Item"),
        field("codes", 5, 3, 7, ""),
        field("raw", 6, 1, 12, ""),
    ];
    let inner = [length(1, b"Inner"), field("x", 1, 1, 5, "")].concat();
    let old =
        [length(1, b"Old"), field("key", 1, 2, 9, ""), field("inner", 2, 1, 10, ".shop.Old.Inner"), length(3, &inner)];
    let method = [length(1, b"Price"), length(2, b".shop.Item"), length(3, b".shop.Old"), number(5, 1)].concat();
    let service = [length(1, b"Shop"), length(2, &method)].concat();
    let extension = [length(1, b"more"), length(2, b".shop.Old"), number(3, 100), number(4, 1), number(5, 8)].concat();
    let file = [
        length(1, b"shop.proto"),
        length(2, b"shop"),
        length(4, &item.concat()),
        length(4, &old.concat()),
        length(6, &service),
        length(7, &extension),
    ];
    length(1, &file.concat())
}

fn judged(message: &str, bytes: &[u8], unknown: Unknown) -> Result<u32, MessageFault> {
    let set = Descriptors::read(&set()).unwrap();
    check(&set, set.named(message).unwrap(), bytes, Limits { depth: 8, fields: 100 }, unknown)
}

fn strict(bytes: &[u8]) -> Result<u32, MessageFault> {
    judged("shop.Item", bytes, Unknown::Refuse)
}

#[test]
fn a_set_tells_its_methods_and_the_fields_that_they_take() {
    let set = Descriptors::read(&set()).unwrap();
    let [method] = set.methods() else { panic!() };
    assert_eq!((method.service.as_str(), method.name.as_str(), method.client_streaming), ("shop.Shop", "Price", true));
    let names: Vec<_> =
        set.fields_within(method.input).iter().map(|it| format!("{}.{}", it.message, it.field)).collect();
    assert_eq!(names[..3], ["shop.Item.name", "shop.Item.count", "shop.Item.sizes"]);
    assert_eq!(set.fields_within(method.output).len(), 4);
}

#[test]
fn what_is_declared_passes_in_every_form_that_the_encoding_has() {
    let part = [length(1, "tee".as_bytes()), number(2, u64::MAX)].concat();
    let packed = length(3, &[varint(1), varint(300)].concat());
    let whole = [length(4, &part), packed, number(3, 7), length(5, &[0; 8]), length(6, &[0xff, 0xfe])].concat();
    assert_eq!(strict(&whole), Ok(0));
    assert_eq!(strict(&[]), Ok(0));
    let group = [length(1, b"k"), varint(2 << 3 | 3), number(1, 5), varint(2 << 3 | 4), number(100, 1)].concat();
    assert_eq!(judged("shop.Old", &group, Unknown::Refuse), Ok(0));
}

#[test]
fn what_is_not_declared_is_refused_at_any_depth_or_told_of() {
    let hidden = length(4, &length(4, &number(7, 1)));
    assert_eq!(strict(&hidden), Err(MessageFault::Undeclared));
    assert_eq!(judged("shop.Item", &hidden, Unknown::Report), Ok(1));
    let group = [varint(9 << 3 | 3), varint(8 << 3 | 3), number(1, 1), varint(8 << 3 | 4), varint(9 << 3 | 4)].concat();
    assert_eq!(strict(&group), Err(MessageFault::Undeclared));
    assert_eq!(judged("shop.Item", &group, Unknown::Report), Ok(1));
}

#[test]
fn a_message_that_parsers_could_read_in_two_ways_is_refused() {
    for (bytes, fault) in [
        (length(1, &[0xff]), MessageFault::Encoding),
        (number(1, 1), MessageFault::Type),
        (length(2, &[1]), MessageFault::Type),
        ([number(2, 1), number(2, 2)].concat(), MessageFault::Repeated),
        ([length(4, &[]), length(4, &[])].concat(), MessageFault::Repeated),
        (vec![0], MessageFault::Malformed),
        (vec![1 << 3], MessageFault::Malformed),
        (vec![1 << 3 | 2, 5, b'a'], MessageFault::Malformed),
        (vec![1 << 3 | 6], MessageFault::Malformed),
        (vec![4 << 3 | 4], MessageFault::Malformed),
        ([&[2 << 3][..], &[0xff; 9], &[0x7f]].concat(), MessageFault::Malformed),
        (length(5, &[0; 7]), MessageFault::Malformed),
    ] {
        assert_eq!(strict(&bytes), Err(fault), "{bytes:?}");
    }
    assert_eq!(judged("shop.Old", &number(100, 1), Unknown::Refuse), Err(MessageFault::Missing));
    let open = [length(1, b"k"), varint(2 << 3 | 3), number(1, 5)].concat();
    assert_eq!(judged("shop.Old", &open, Unknown::Refuse), Err(MessageFault::Malformed));
}

#[test]
fn depth_and_number_of_fields_are_bounded() {
    let nested = |levels: usize| (0..levels).fold(Vec::new(), |inner, _| length(4, &inner));
    assert_eq!(strict(&nested(7)), Ok(0));
    assert_eq!(strict(&nested(8)), Err(MessageFault::TooDeep));
    assert_eq!(strict(&number(3, 1).repeat(101)), Err(MessageFault::TooMany));
    assert_eq!(strict(&length(3, &[1; 100])), Err(MessageFault::TooMany));
    let groups = [9_u8 << 3 | 3; 50];
    assert_eq!(judged("shop.Item", &groups, Unknown::Report), Err(MessageFault::TooDeep));
}

#[test]
fn a_set_that_lacks_what_it_uses_names_it() {
    let method = [length(1, b"Do"), length(2, b".other.In"), length(3, b".other.In")].concat();
    let file = [length(2, b"shop"), length(6, &[length(1, b"Shop"), length(2, &method)].concat())].concat();
    let fault = Descriptors::read(&length(1, &file)).unwrap_err().to_string();
    assert_eq!(fault, "`shop.Shop/Do` uses `other.In`, which is not in the set: make it with `--include_imports`");
    assert_eq!(Descriptors::read(b"").unwrap_err(), DescriptorsFault::NoMethod);
    assert!(Descriptors::read(b"syntax = \"proto3\";").is_err());
}

proptest! {
    #[test]
    fn whatever_is_sent_is_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let refused = strict(&bytes);
        // What passes where nothing undeclared may, passes where it may, and without a report.
        if refused.is_ok() {
            prop_assert_eq!(judged("shop.Item", &bytes, Unknown::Report), Ok(0));
        }
        let _ = Descriptors::read(&bytes);
    }

    #[test]
    fn a_field_added_anywhere_is_found(name in "[a-z]{0,9}", count in any::<u32>(), levels in 0_usize..6, extra in 7_u64..1000) {
        let item = [length(1, name.as_bytes()), number(2, count.into())].concat();
        let wrap = |inner: Vec<u8>| (0..levels).fold(inner, |inner, _| length(4, &inner));
        prop_assert_eq!(strict(&wrap(item.clone())), Ok(0));
        prop_assert_eq!(strict(&wrap([item, number(extra, 1)].concat())), Err(MessageFault::Undeclared));
    }
}
