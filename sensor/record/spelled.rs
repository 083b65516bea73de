//! Words and days of indicators as records spell them. A word that a newer program made is taken for
//! the one that claims least.

use serde::{Deserialize, Deserializer, Serializer};

/// One vocabulary of `ioc-feeds`.
macro_rules! vocabulary {
    ($module:ident: $type:ty, $else:expr) => {
        pub(crate) mod $module {
            use super::*;

            // The form serde calls.
            #[allow(clippy::trivially_copy_pass_by_ref)]
            pub(crate) fn serialize<S: Serializer>(
                word: &$type,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(word.as_str())
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(<$type>::parse(&text).unwrap_or($else))
            }
        }
    };
}

vocabulary!(role: ioc_feeds::Role, ioc_feeds::Role::Unknown);
vocabulary!(confidence: ioc_feeds::Confidence, ioc_feeds::Confidence::Low);

/// `2026-11` or `2026-11-27`; what is no day is none.
pub(crate) mod date {
    use ioc_feeds::Date;

    use super::*;

    #[allow(clippy::ref_option)] // the form serde calls
    pub(crate) fn serialize<S: Serializer>(
        date: &Option<Date>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => serializer.collect_str(date),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Date>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.and_then(|text| Date::parse(&text).ok()))
    }
}
