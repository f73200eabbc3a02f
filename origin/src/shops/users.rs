//! Users: changing and removing them.
//!
//! **Invariant:** a shop keeps an owner, since nobody else could make one. Test:
//! `the_last_owner_can_neither_be_removed_nor_become_less`.
//!
//! **Invariant:** whoever's password is changed is logged out everywhere. Test:
//! `a_new_password_ends_every_login`.

use footfall_shared::id::{ShopId, UserId};
use footfall_shared::time::UtcMillis;

use super::create::{CreateError, hash_checked};
use super::shop::Role;
use super::user_queries as queries;
use crate::auth::{PasswordHash, end_logins};
use crate::db::{StorageError, Tx};

/// What is to change of a user.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The new role.
    pub role: Option<Role>,
    /// The hash of the new password.
    pub password: Option<PasswordHash>,
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// The shop has no such user.
    #[error("there is no such user")]
    NotFound,
    /// The shop would be without an owner.
    #[error("a shop keeps at least one owner; make another owner first")]
    LastOwner,
    /// The database said no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Checks and hashes a new password. It takes its time, so it is called before a transaction begins.
pub async fn prepare_password(password: String) -> Result<PasswordHash, CreateError> {
    hash_checked(password).await
}

/// Changes a user of the shop.
pub async fn change_user(
    tx: &mut Tx,
    shop: &ShopId,
    user: &UserId,
    change: UserChange,
    now: UtcMillis,
) -> Result<(), ChangeUserError> {
    let UserChange { role, password } = change;
    // Two owners who make each other less at once must not both succeed.
    tx.serialize("users", shop.as_str()).await?;
    let before = queries::find_role(tx, shop, user).await?;
    let before = before.ok_or(ChangeUserError::NotFound)?;
    if let Some(role) = role {
        if before == Role::Owner && role != Role::Owner {
            keep_an_owner(tx, shop).await?;
        }
        queries::update_role(tx, shop, user, role).await?;
    }
    if let Some(password) = password {
        queries::update_password(tx, shop, user, &password).await?;
        end_logins(tx, shop, user, now).await?;
    }
    Ok(())
}

/// Removes a user of the shop; what the user is logged in with opens nothing any more.
pub async fn remove_user(tx: &mut Tx, shop: &ShopId, user: &UserId) -> Result<(), ChangeUserError> {
    tx.serialize("users", shop.as_str()).await?;
    match queries::find_role(tx, shop, user).await? {
        None => return Err(ChangeUserError::NotFound),
        Some(Role::Owner) => keep_an_owner(tx, shop).await?,
        Some(Role::Admin | Role::Analyst | Role::Support) => {}
    }
    queries::delete_user(tx, shop, user).await?;
    Ok(())
}

async fn keep_an_owner(tx: &mut Tx, shop: &ShopId) -> Result<(), ChangeUserError> {
    match queries::list_of_role(tx, shop, Role::Owner).await?.len() {
        0 | 1 => Err(ChangeUserError::LastOwner),
        _ => Ok(()),
    }
}
