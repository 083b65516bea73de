//! Does an Encrypted ClientHello (RFC 9849) hide the name of the server? Owns the names that stand
//! in the place of a hidden one.
//!
//! The extension alone says nothing: a client without a key for the server sends a dummy ("GREASE
//! ECH", 6.2) beside the true name, and it is made so that nobody on the way can tell the two apart.
//! Chromium and Firefox do so in nearly every hello. What tells them apart is the visible name: a
//! client that does encrypt puts the `public_name` of the key there (6.1), that of the provider's
//! front server and the same for all its sites, or no name at all. So a name is taken to be hidden
//! if none is visible, or if the visible one is known to be such a public name.
//!
//! The price: behind a provider that is not listed the front name passes for the true one, so the
//! share is the least there can be; and who visits a listed name itself is counted as hidden.

/// Public names, whole and in comparable spelling, each with where that is documented. A name
/// belongs here only if it serves no site of its own that people visit.
const PUBLIC_NAMES: &[&str] = &[
    // Every site at Cloudflare: developers.cloudflare.com/ssl/edge-certificates/ech
    "cloudflare-ech.com",
    // Cloudflare's trials of 2021: github.com/cloudflare/go, issue 80
    "cloudflare-esni.com",
    // Test server of the OpenSSL implementation: docs/ECH.md of curl
    "cover.defo.ie",
    // Test server tls-ech.dev: `ech` of its HTTPS record
    "public.tls-ech.dev",
];

/// Is the true name taken to be hidden by a hello that offers ECH beside this visible name, given in
/// comparable spelling?
pub fn hides(outer: Option<&str>) -> bool {
    outer.is_none_or(|name| PUBLIC_NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_public_name_or_none_stands_for_a_hidden_one() {
        for name in PUBLIC_NAMES {
            assert!(hides(Some(name)), "{name}");
            assert!(!hides(Some(&format!("www.{name}"))) && !hides(Some(&format!("x{name}"))));
            assert_eq!(name.to_ascii_lowercase(), **name);
        }
        assert!(hides(None));
        assert!(!hides(Some("com")) && !hides(Some("www.office.example")));
    }
}
