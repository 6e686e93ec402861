//! Values that are one of a few words.

/// Declares a value that is one of a few words. The first text is the one that is written; others are read too.
///
/// ```
/// propylon_config::value_enum! {
///     /// How much is written to the log.
///     pub enum Level {
///         /// Nothing.
///         Off = "off",
///         /// What a person must look at.
///         Error = "error" | "errors",
///     }
/// }
/// use propylon_config::{Value, Word};
/// assert_eq!(Level::parse(&Word::new("errors")), Ok(Level::Error));
/// assert_eq!(Level::Error.as_str(), "error");
/// assert_eq!(Level::KIND, "one of `off`, `error`");
/// ```
#[macro_export]
macro_rules! value_enum {
    (
        $(#[$meta:meta])* $vis:vis enum $name:ident {
            $( $(#[doc = $doc:literal])* $variant:ident = $text:literal $(| $alias:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $( $(#[doc = $doc])* $variant, )+
        }

        impl $name {
            /// Every choice, as declared.
            #[allow(dead_code, reason = "not every user of the macro lists them")]
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word it is written as.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl $crate::Value for $name {
            const KIND: &'static str = $crate::__one_of!($($text),+);
            const CHOICES: &'static [$crate::Choice] =
                &[$($crate::Choice { text: $text, doc: &[$($doc),*] }),+];

            fn parse(word: &$crate::Word) -> ::core::result::Result<Self, $crate::Problem> {
                match word.text.as_str() {
                    $($text $(| $alias)* => Ok(Self::$variant),)+
                    other => Err($crate::unknown_choice(other, Self::CHOICES)),
                }
            }

            fn to_text(&self) -> ::std::string::String {
                self.as_str().to_owned()
            }
        }
    };
}

/// "one of `a`, `b`".
#[doc(hidden)]
#[macro_export]
macro_rules! __one_of {
    ($first:literal $(, $rest:literal)*) => {
        concat!("one of `", $first, "`" $(, ", `", $rest, "`")*)
    };
}

/// The problem of a word that is none of the choices.
#[doc(hidden)]
pub fn unknown_choice(word: &str, choices: &[super::Choice]) -> super::Problem {
    let problem = super::Problem::new("");
    let help = crate::suggest::did_you_mean(word, choices.iter().map(|choice| choice.text));
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}
