//! The provider: clients, the authorization code flow, tokens and the keys that sign them.
