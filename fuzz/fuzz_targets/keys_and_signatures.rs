//! Keys, signature headers and emails as anybody may write them.
#![no_main]

use footfall_shared::identity::Email;
use footfall_shared::keys::ApiKey;
use footfall_shared::signing::SigningKeys;
use footfall_shared::time::UtcMillis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: (&str, &str, &[u8])| {
    let (one, other, body) = parts;
    let _ = ApiKey::parse(one);
    let _ = Email::parse("email", one);
    let _ = SigningKeys::parse(one);
    let keys = SigningKeys::parse("a-signing-key-of-the-fuzz-targets-0001");
    if let Ok(keys) = keys {
        let verified = keys.verify(
            UtcMillis::new(0),
            "/internal/push",
            body,
            Some(one),
            Some(other),
        );
        assert!(verified.is_err(), "nobody guesses a signature");
    }
});
