//! Orders and products as a shop's plugin soup may write them.
#![no_main]

use footfall_shared::money::Currency;
use footfall_shared::time::UtcMillis;
use footfall_shared::wire::woocommerce::{WooOrder, WooProduct};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(order) = serde_json::from_slice::<WooOrder>(data) {
        let _ = order.parse(Currency::EUR, UtcMillis::new(1_790_000_000_000));
    }
    if let Ok(product) = serde_json::from_slice::<WooProduct>(data) {
        let _ = product.parse(Currency::EUR);
    }
});
