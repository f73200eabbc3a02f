//! The headers that people and programs give to fields.

use super::field::{Field, Kind};

/// Headers by field, as [`plain`] writes them; those before win.
const HEADERS: &[(Field, &str)] = &[
    (
        Field::Order,
        "invoiceno invoice invoicenumber orderid ordernumber orderno order basketid \
         transactionid receiptid receipt bill billno",
    ),
    (
        Field::Customer,
        "customerid customer customerno customernumber clientid householdid userid user \
         visitorid memberid customeruserid buyerid shopperid reviewerid",
    ),
    (
        Field::Email,
        "email customeremail emailaddress billingemail emailbilling useremail",
    ),
    (
        Field::Product,
        "stockcode sku productid itemsku lineitemsku itemid productcode clothingid asin \
         articleid articleno variantid",
    ),
    (
        Field::Name,
        "description productname lineitemname itemname itempurchased product item name \
         productsname producttype article",
    ),
    (
        Field::Category,
        "category productcategory departmentname categories itemcategory department \
         subcategory type",
    ),
    (Field::Brand, "brand vendor manufacturer manufacturerid"),
    (
        Field::Quantity,
        "quantity qty lineitemquantity itemquantity units quantityrefund itemssold count",
    ),
    (
        Field::UnitPrice,
        "unitprice price lineitemprice itemcost itemprice priceeach unitcost regularprice \
         variantprice",
    ),
    (
        Field::Total,
        "linetotal salesvalue purchaseamount amount itemtotal orderlinetotal netrevenue \
         nrevenue netsales revenue total sales ordertotal ordertotalamount",
    ),
    (Field::Currency, "currency currencycode ordercurrency"),
    (
        Field::At,
        "invoicedate orderdate transactiontimestamp timestamp createdat date datetime \
         purchasedate transactiondate reviewdate reviewtime time datecreated paidat \
         signupdate day",
    ),
    (
        Field::Discount,
        "discountapplied discount discountamount discountcode retaildisc coupons couponcode \
         promocodeused cartdiscountamount",
    ),
    (Field::Status, "financialstatus orderstatus status"),
    (
        Field::Location,
        "country location billingcountry countrycodebilling countrynamebilling \
         shippingcountry city state region",
    ),
    (Field::Age, "age customerage agegroup agerange"),
    (Field::Gender, "gender sex customergender"),
    (
        Field::Payment,
        "paymentmethod paymentmethodtitle payment preferredpaymentmethod paymenttype",
    ),
    (
        Field::Shipping,
        "shippingmethod shippingtype shippingmethodtitle delivery",
    ),
    (
        Field::Rating,
        "rating reviewrating stars score starrating overall",
    ),
    (Field::Title, "title reviewtitle summary headline"),
    (
        Field::Text,
        "reviewtext review text reviewbody comment content body reviewcontent feedback",
    ),
    (Field::PreviousPurchases, "previouspurchases pastpurchases"),
    (
        Field::PurchaseFrequency,
        "frequencyofpurchases purchasefrequency",
    ),
    (Field::Session, "sessionid session visitid"),
    (
        Field::Page,
        "event page eventname eventtype url pageurl path action",
    ),
    (Field::Device, "device devicetype platform"),
    (
        Field::Source,
        "acquisitionchannel source utmsource trafficsource channel referrer",
    ),
];

/// Headers that mean a field only in files of a kind.
const IN_KIND: &[(Kind, Field, &str)] = &[
    (Kind::Products, Field::Product, "id handle"),
    (Kind::Products, Field::Name, "title"),
    (Kind::Customers, Field::Customer, "id"),
    (
        Kind::Customers,
        Field::At,
        "registered since joined dateregistered",
    ),
];

/// The headers that a field has in files of a kind, the likeliest first.
pub(super) fn names(kind: Kind, field: Field) -> impl Iterator<Item = &'static str> {
    let special = IN_KIND
        .iter()
        .filter(move |(of, one, _)| *of == kind && *one == field);
    names_of(&[field]).chain(special.flat_map(|(_, _, names)| names.split(' ')))
}

/// The headers that some fields have in files of any kind.
pub(super) fn names_of(fields: &[Field]) -> impl Iterator<Item = &'static str> + use<> {
    let of: Vec<_> = HEADERS
        .iter()
        .filter(|(field, _)| fields.contains(field))
        .collect();
    of.into_iter().flat_map(|(_, names)| names.split(' '))
}

/// A header without what people vary: case, signs, what stands in parentheses.
pub(super) fn plain(header: &str) -> String {
    let header = header.replace("(s)", "s");
    let outside = match header.find('(') {
        Some(0) | None => header.as_str(),
        Some(at) => &header[..at],
    };
    let letters = outside.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
