//! The macro that declares a directive's settings.

/// Declares the settings of one directive.
///
/// Each field says its *role*, its name, its type, perhaps its bounds in brackets and its default:
///
/// - `positional`: by its place. One with a default or an `Option` is left out when the words are too few or its
///   word does not fit, so `redirect /x` works beside `redirect 308 /x`.
/// - `keyword`: by its name (`_` is written `-`) and its value, on the line or in the block.
/// - `flag`: a `bool` that is true if its name is there.
/// - `child`: a directive in the block, declared by its own struct; the name is that directive's.
/// - `rest`: a `Vec<Node>` of all lines of the block that no other field knows, for blocks that hold other rooms.
///
/// The type says how often: `T` exactly once, `Option<T>` at most once, `Vec<T>` at least once. With a default
/// anything may be left out. Another name than the field's is given as a text before it.
///
/// The struct has public fields, derives `Debug` and `Clone`, and has one more field, `span`: the whole directive.
///
/// ```
/// use std::time::Duration;
/// use propylon_config::{Diagnostics, Directive, Environment, Name, Rate, Spanned, directive, parse_text};
///
/// directive! {
///     /// Refuses a client's requests beyond a steady rate.
///     pub struct Limit = "limit" {
///         /// How many requests one client may send in which time.
///         positional rate: Rate,
///         /// How many it may send at once after a pause.
///         keyword burst: u32 [1..=100_000] = 100,
///         /// Whom it spares.
///         keyword "except" spared: Vec<Spanned<Name>> = vec![],
///         /// Only counts and refuses nobody.
///         flag dry_run: bool,
///         /// What a refused client is told.
///         child reply: Option<Reply>,
///     }
/// }
///
/// directive! {
///     /// The reply to a refused request.
///     pub struct Reply = "reply" {
///         /// Its status.
///         positional status: u16 [400..=599] = 429,
///         /// After which time to try again.
///         keyword retry_after: Option<Duration>,
///     }
/// }
///
/// let text = "limit 50/s except staff robots dry-run { reply retry-after 10s }";
/// let loaded = parse_text("site.conf".as_ref(), text, &Environment::empty());
/// let mut diagnostics = Diagnostics::new();
/// let limit = Limit::decode(&loaded.tree[0], &mut diagnostics).unwrap();
/// assert_eq!((limit.burst, limit.spared.len(), limit.dry_run), (100, 2, true));
/// assert_eq!(limit.reply.unwrap().status, 429);
/// ```
#[macro_export]
macro_rules! directive {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident = $word:literal {
            $(
                $(#[doc = $field_doc:literal])*
                $role:ident $($key:literal)? $field:ident : $type:ty $([$bounds:expr])? $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $( $(#[doc = $field_doc])* pub $field: $type, )*
            /// The whole directive, for messages.
            #[allow(dead_code, reason = "not every directive is spoken of later")]
            pub span: $crate::Span,
        }

        impl $crate::Directive for $name {
            const DOC: $crate::Doc = $crate::Doc {
                name: $word,
                doc: &[$($doc),*],
                fields: &[$(
                    $crate::__field!(
                        $role $type, $crate::__key!($($key)? $field), &[$($field_doc),*],
                        ($($bounds)?) ($($default)?)
                    )
                ),*],
            };

            #[allow(unused_mut, unused_variables, unused_assignments, reason = "there may be no fields")]
            fn decode(
                node: &$crate::Node,
                diagnostics: &mut $crate::Diagnostics,
            ) -> ::core::option::Option<Self> {
                const DOC: &$crate::Doc = &<$name as $crate::Directive>::DOC;
                let mut sorted = $crate::decode::Sorted::new(node, DOC, diagnostics);
                let mut index = 0;
                // Every field is read before the first problem ends the reading, so that all are reported.
                $(
                    let given = sorted.next();
                    let $field: ::core::option::Option<$type> = $crate::__fill!(
                        $role $type, given, (node, DOC, index), diagnostics, ($($bounds)?) ($($default)?)
                    );
                    index += 1;
                )*
                ::core::option::Option::Some(Self { $( $field: $field?, )* span: node.span })
            }

            fn to_json(&self) -> $crate::Json {
                let values = ::std::vec![$($crate::__json!($role &self.$field)),*];
                $crate::json::object(&<Self as $crate::Directive>::DOC, values)
            }
        }
    };
}

/// A field's name.
#[doc(hidden)]
#[macro_export]
macro_rules! __key {
    ($key:literal $field:ident) => {
        $key
    };
    ($field:ident) => {
        stringify!($field)
    };
}

/// A field's metadata.
#[doc(hidden)]
#[macro_export]
macro_rules! __field {
    (positional $type:ty, $($rest:tt)*) => { $crate::__field!(@ Positional $type, $($rest)*) };
    (keyword $type:ty, $($rest:tt)*) => { $crate::__field!(@ Keyword $type, $($rest)*) };
    (@ $role:ident $type:ty, $key:expr, $doc:expr, ($($bounds:expr)?) ($($default:expr)?)) => {
        $crate::Field {
            $( default: || {
                let default: $type = $default;
                ::core::option::Option::Some($crate::reference::default_text::<$type>(&default))
            }, )?
            $( bounds: || ::core::option::Option::Some(
                $crate::decode::bounds_text::<<$type as $crate::Slot>::Item>(&($bounds)),
            ), )?
            required: $crate::__required!(<$type as $crate::Slot>::OPTIONAL, $($default)?),
            ..$crate::Field::of_words::<$type>($crate::Role::$role, $key, $doc)
        }
    };
    (child $type:ty, $key:expr, $doc:expr, () ($($default:expr)?)) => {
        $crate::Field {
            required: $crate::__required!(<$type as $crate::Nest>::OPTIONAL, $($default)?),
            ..$crate::Field::of_children::<$type>($key, $doc)
        }
    };
    (flag $type:ty, $key:expr, $doc:expr, () ()) => { $crate::Field::plain($crate::Role::Flag, $key, $doc) };
    (rest $type:ty, $key:expr, $doc:expr, () ()) => { $crate::Field::plain($crate::Role::Rest, $key, $doc) };
}

/// Whether a field must be said.
#[doc(hidden)]
#[macro_export]
macro_rules! __required {
    ($optional:expr,) => {
        !$optional
    };
    ($optional:expr, $default:expr) => {
        false
    };
}

/// A field's value.
#[doc(hidden)]
#[macro_export]
macro_rules! __fill {
    (positional $($rest:tt)*) => { $crate::__fill!(@ $($rest)*) };
    (keyword $($rest:tt)*) => { $crate::__fill!(@ $($rest)*) };
    (@ $type:ty, $given:ident, $place:expr, $diagnostics:ident, ($($bounds:expr)?) ($($default:expr)?)) => {{
        let within: ::core::option::Option<fn(&<$type as $crate::Slot>::Item) -> bool> =
            $crate::__option!($(|item| $crate::decode::contains(&($bounds), item))?);
        let default: ::core::option::Option<fn() -> $type> = $crate::__option!($(|| $default)?);
        $crate::decode::value::<$type>($given, $place, within, default, $diagnostics)
    }};
    (child $type:ty, $given:ident, $place:expr, $diagnostics:ident, () ($($default:expr)?)) => {{
        let default: ::core::option::Option<fn() -> $type> = $crate::__option!($(|| $default)?);
        $crate::decode::nested::<$type>($given, $place, default, $diagnostics)
    }};
    (flag $type:ty, $given:ident, $place:expr, $diagnostics:ident, () ()) => {
        $crate::decode::flag($given, $place, $diagnostics)
    };
    (rest $type:ty, $given:ident, $place:expr, $diagnostics:ident, () ()) => {
        ::core::option::Option::Some($given.nodes.into_iter().cloned().collect::<$type>())
    };
}

/// `Some` of what is there.
#[doc(hidden)]
#[macro_export]
macro_rules! __option {
    () => {
        ::core::option::Option::None
    };
    ($some:expr) => {
        ::core::option::Option::Some($some)
    };
}

/// A field as JSON.
#[doc(hidden)]
#[macro_export]
macro_rules! __json {
    (positional $field:expr) => {
        $crate::Slot::json($field)
    };
    (keyword $field:expr) => {
        $crate::Slot::json($field)
    };
    (child $field:expr) => {
        $crate::Nest::json($field)
    };
    (flag $field:expr) => {
        $crate::Json::Bool(*$field)
    };
    (rest $field:expr) => {
        $crate::json::lines($field)
    };
}
