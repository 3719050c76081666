//! Messages of a gRPC call, held back until each is whole and was held against what its method declares.

use std::io::Read as _;
use std::sync::Arc;

use bartizan_inspect::protobuf::{self, Limits, check};
use bytes::{Bytes, BytesMut};
use flate2::read::{GzDecoder, ZlibDecoder};
use http::HeaderMap;

use super::messages::MessageFault;
use crate::config::{ContractMode, MethodContract};

/// The flag and the length before each message.
const PREFIX: usize = 5;

/// How a client compresses messages (`grpc-encoding`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    /// None that can be read here.
    Other,
}

/// Reads one direction of a call.
#[derive(Debug)]
pub(crate) struct Shapes {
    contract: Arc<MethodContract>,
    limit: u32,
    encoding: Encoding,
    held: BytesMut,
    messages: u64,
    /// What was found that did not stop a message, or what did.
    found: Option<&'static str>,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get("grpc-encoding").map(|value| value.as_bytes().to_ascii_lowercase()).as_deref() {
            None | Some(b"identity") => Self::Identity,
            Some(b"gzip") => Self::Gzip,
            Some(b"deflate") => Self::Deflate,
            Some(_) => Self::Other,
        }
    }
}

impl Shapes {
    pub(crate) fn new(contract: Arc<MethodContract>, limit: u32, encoding: Encoding) -> Self {
        Self { contract, limit, encoding, held: BytesMut::new(), messages: 0, found: None }
    }

    /// What was found, for the event.
    pub(crate) const fn found(&self) -> Option<&'static str> {
        self.found
    }

    /// Whether the call may end here: half a message is none.
    pub(crate) fn is_whole(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes a piece, and gives back the messages that are whole and pass. No more is held than one message and one piece.
    pub(crate) fn read(&mut self, piece: &Bytes) -> Result<Bytes, MessageFault> {
        self.held.extend_from_slice(piece);
        let mut whole = 0;
        while let Some([flag, length @ ..]) = self.held.get(whole..).and_then(<[u8]>::first_chunk::<PREFIX>).copied() {
            let length = u32::from_be_bytes(length);
            if flag > 1 {
                return Err(MessageFault::Flag);
            }
            if length > self.limit {
                return Err(MessageFault::TooLarge);
            }
            let end = whole + PREFIX + usize::try_from(length).unwrap_or(usize::MAX);
            let Some(message) = self.held.get(whole + PREFIX..end) else { break };
            self.messages += 1;
            match self.judge(message, flag == 1) {
                Ok(0) => {}
                Ok(_) => self.found = Some("grpc-undeclared-field"),
                Err(code) => {
                    self.found = Some(code);
                    if self.contract.mode == ContractMode::Block {
                        return Err(MessageFault::Shape);
                    }
                }
            }
            whole = end;
        }
        Ok(self.held.split_to(whole).freeze())
    }

    /// How many undeclared fields pass; or why the message does not.
    fn judge(&self, message: &[u8], is_compressed: bool) -> Result<u32, &'static str> {
        let contract = &*self.contract;
        if self.messages > 1 && !contract.client_streaming {
            return Err("grpc-second-message");
        }
        let plain = if is_compressed { Some(self.decompressed(message)?) } else { None };
        let message = plain.as_deref().unwrap_or(message);
        let judged = check(&contract.descriptors, contract.input, message, Limits::default(), contract.unknown);
        judged.map_err(protobuf::MessageFault::code)
    }

    /// The message as the service will see it, of no more bytes than one may have: ten bytes can hold a thousand times as many.
    fn decompressed(&self, message: &[u8]) -> Result<Vec<u8>, &'static str> {
        let most = u64::from(self.limit) + 1;
        let mut plain = Vec::new();
        let read = match self.encoding {
            Encoding::Gzip => GzDecoder::new(message).take(most).read_to_end(&mut plain),
            Encoding::Deflate => ZlibDecoder::new(message).take(most).read_to_end(&mut plain),
            Encoding::Identity | Encoding::Other => return Err("grpc-encoding-unreadable"),
        };
        read.map_err(|_| "grpc-encoding-unreadable")?;
        if plain.len() > usize::try_from(self.limit).unwrap_or(usize::MAX) {
            return Err("grpc-decompressed-too-large");
        }
        Ok(plain)
    }
}
