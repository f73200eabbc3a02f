//! The use cases behind `footfall admin`.

use footfall::shops::create::{CreateError, NewShop, create_key, create_shop, create_user};
use footfall::shops::{Role, list_keys, list_shops, list_users};
use footfall_shared::keys::KeyKind;
use footfall_shared::shop::ShopSettings;

use crate::support::{TestShop, on_both};

fn new_shop(slug: &str) -> NewShop {
    NewShop {
        slug: slug.into(),
        name: "A shop".into(),
        timezone: "Europe/Amsterdam".into(),
        currency: "EUR".into(),
        settings: ShopSettings::default(),
    }
}

on_both! {
    async fn a_shop_reads_back_as_it_was_made(database) {
        let world = TestShop::start(database).await;
        let mut tx = world.app.db().begin().await.unwrap();
        let made = create_shop(&mut tx, new_shop("second"), world.app.now().plus(1)).await.unwrap();
        let shops = list_shops(&mut tx).await.unwrap();
        let read = shops.iter().find(|shop| shop.id == made.id).unwrap();
        assert_eq!(read.to_entry(None), made.to_entry(None));
        assert_eq!(read.timezone.iana_name(), Some("Europe/Amsterdam"));
        assert_ne!(read.salt.reveal(), world.shop().salt.reveal(), "each shop has its own salt");
    }

    async fn what_breaks_a_rule_is_refused_with_its_field(database) {
        let world = TestShop::start(database).await;
        let mut tx = world.app.db().begin().await.unwrap();
        let wrong = [
            (NewShop { slug: "No Spaces".into(), ..new_shop("x") }, "slug"),
            (NewShop { slug: String::new(), ..new_shop("x") }, "slug"),
            (NewShop { name: "\0".into(), ..new_shop("x") }, "name"),
            (NewShop { timezone: "Mars/Olympus".into(), ..new_shop("x") }, "timezone"),
            (NewShop { currency: "euro".into(), ..new_shop("x") }, "currency"),
        ];
        for (new, field) in wrong {
            let fault = create_shop(&mut tx, new, world.app.now()).await.unwrap_err().to_string();
            assert!(fault.starts_with(field), "{field}: {fault}");
        }
    }

    async fn a_taken_slug_or_identifier_is_told_from_a_fault(database) {
        let world = TestShop::start(database).await;
        let mut tx = world.app.db().begin().await.unwrap();
        let fault = create_shop(&mut tx, new_shop("demo"), world.app.now()).await.unwrap_err();
        assert!(matches!(fault, CreateError::Taken { .. }), "{fault}");
        drop(tx);
        let mut tx = world.app.db().begin().await.unwrap();
        let identifier = world.tenant.admin.0.as_str();
        let password = "long enough a password".to_owned();
        let made = create_user(&mut tx, &world.shop().id, identifier, password, Role::Admin, world.app.now());
        assert!(matches!(made.await.unwrap_err(), CreateError::Taken { .. }));
    }

    async fn a_weak_password_is_refused(database) {
        let world = TestShop::start(database).await;
        let mut tx = world.app.db().begin().await.unwrap();
        for password in ["", "short", "14 characters!", &"x".repeat(201)] {
            let made =
                create_user(&mut tx, &world.shop().id, "a", password.into(), Role::Admin, world.app.now());
            assert!(made.await.unwrap_err().to_string().starts_with("password"), "{password}");
        }
    }

    async fn a_key_and_a_password_are_stored_only_as_hashes(database) {
        use footfall::db::During;
        let world = TestShop::start(database).await;
        let mut tx = world.app.db().begin().await.unwrap();
        let id = &world.shop().id;
        let (_, key) = create_key(&mut tx, id, KeyKind::Secret, "server", world.app.now()).await.unwrap();
        const KEYS: &str = "SELECT hash || id || label FROM keys";
        const USERS: &str = "SELECT password_hash || id || identifier FROM users";
        let mut stored: Vec<String> = Vec::new();
        for sql in [KEYS, USERS] {
            let rows: Vec<String> =
                footfall::on_db!(&mut tx, |c| sqlx::query_scalar(sql).fetch_all(c).await).during("test").unwrap();
            stored.extend(rows);
        }
        let stored = stored.join("\n");
        assert!(!stored.contains(&key[6..]) && !stored.contains(&world.tenant.admin.1));
        assert!(stored.contains("$argon2id$"));
    }

    async fn keys_and_users_are_listed_for_their_own_shop(database) {
        let world = TestShop::start(database).await;
        let neighbour = world.neighbour().await;
        let mut reader = world.app.db().read().await.unwrap();
        let keys = list_keys(&mut reader, &world.shop().id).await.unwrap();
        assert_eq!(keys.len(), 2);
        let users = list_users(&mut reader, &neighbour.shop.id).await.unwrap();
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].identifier, neighbour.admin.0);
        assert_eq!(users[0].role, "owner");
    }
}
