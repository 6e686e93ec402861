//! The macro behind the list of rooms.

/// Makes of `Name module,` lines, in the order of the way down:
///
/// - `ROOMS`: each room's directive, documentation and compiler, for reading a config;
/// - `enum StepPlan`: a room's settings, compiled, shared by all workers;
/// - `enum Step`: one worker's copy of it, with the `match` for each hook.
macro_rules! rooms {
    ($($(#[$reason:meta])* $name:ident $module:ident,)*) => {
        /// Every room, in the order of the way down.
        pub const ROOMS: &[$crate::RoomDoc] = &[$(
            $crate::RoomDoc {
                doc: &<$module::Config as propylon_config::Directive>::DOC,
                merge: $module::MERGE,
                metrics: $module::METRICS,
                compile: |node, context| {
                    let config = <$module::Config as propylon_config::Directive>::decode(node, context.diagnostics)?;
                    let compiled = $module::Compiled::compile(&config, context)?;
                    Some(StepPlan::$name(std::sync::Arc::new(compiled)))
                },
            },
        )*];

        /// A step of a route, compiled.
        #[derive(Clone, Debug)]
        pub enum StepPlan {
            $(
                #[doc = concat!("The room `", stringify!($module), "`.")]
                $name(std::sync::Arc<$module::Compiled>),
            )*
        }

        /// A step of a route on one worker.
        #[derive(Debug)]
        pub enum Step {
            $(
                #[doc = concat!("The room `", stringify!($module), "`.")]
                $name($module::Step),
            )*
        }

        impl StepPlan {
            /// One worker's copy.
            pub fn build(&self, build: &$crate::WorkerBuild<'_>) -> Step {
                match *self {
                    $(Self::$name(ref compiled) => Step::$name($module::Step::new(compiled, build)),)*
                }
            }

            /// The room's directive.
            pub fn name(&self) -> &'static str {
                match *self {
                    $(Self::$name(_) => <$module::Config as propylon_config::Directive>::DOC.name,)*
                }
            }
        }

        impl propylon_pipeline::Hooks for Step {
            fn on_request(&self, x: &mut propylon_pipeline::Exchange) -> propylon_pipeline::Flow {
                match *self { $(Self::$name(ref step) => step.on_request(x),)* }
            }

            fn on_reply(&self, x: &mut propylon_pipeline::Exchange, reply: &mut propylon_pipeline::Reply) {
                match *self { $(Self::$name(ref step) => step.on_reply(x, reply),)* }
            }

            fn on_done(&self, x: &propylon_pipeline::Exchange) {
                match *self { $(Self::$name(ref step) => step.on_done(x),)* }
            }
        }
    };
}

pub(crate) use rooms;
