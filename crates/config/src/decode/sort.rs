//! Hands a directive's words and lines to its fields.

use super::{Doc, Field, Role};
use crate::codes::{DUPLICATE, UNEXPECTED_ARGUMENT, UNEXPECTED_BLOCK, UNKNOWN_KEY};
use crate::{Diagnostic, Diagnostics, Node, Span, Word, suggest};

/// What a directive says for one field.
#[derive(Debug, Default)]
pub struct Given<'a> {
    /// Where the field was first named, or its first positional word; `None` if the field was not said at all.
    pub at: Option<Span>,
    /// The values.
    pub words: Vec<&'a Word>,
    /// The directives, for children and for the rest.
    pub nodes: Vec<&'a Node>,
}

/// A directive's words and lines, by field.
#[derive(Debug)]
pub struct Sorted<'a> {
    given: std::vec::IntoIter<Given<'a>>,
}

impl<'a> Sorted<'a> {
    /// Sorts, and reports what belongs to no field and what is said twice.
    pub fn new(node: &'a Node, doc: &Doc, diagnostics: &mut Diagnostics) -> Self {
        let given = doc.fields.iter().map(|_| Given::default()).collect();
        let mut sorter = Sorter { node, doc, given, diagnostics };
        let after = sorter.positional();
        sorter.keywords(after);
        sorter.block();
        Self { given: sorter.given.into_iter() }
    }

    /// What was said for the next field, in the order of the declaration.
    #[expect(
        clippy::should_implement_trait,
        reason = "the macro takes exactly one per field; nothing iterates"
    )]
    pub fn next(&mut self) -> Given<'a> {
        self.given.next().unwrap_or_default()
    }
}

struct Sorter<'a, 'b> {
    node: &'a Node,
    doc: &'b Doc,
    given: Vec<Given<'a>>,
    diagnostics: &'b mut Diagnostics,
}

impl<'a> Sorter<'a, '_> {
    /// Hands out the words before the first keyword; gives where the keywords begin.
    fn positional(&mut self) -> usize {
        let args = &self.node.args;
        let mut end = args.iter().position(|word| self.is_keyword(word)).unwrap_or(args.len());
        let fields: Vec<usize> = self.of_role(Role::Positional);
        if end > self.capacity(&fields) {
            // Too many: if one of them looks like a misspelt keyword, the keywords began there.
            end = (0..end).find(|at| self.misspelt(&args[*at])).unwrap_or(end);
        }
        let mut at = 0;
        for (number, field) in fields.iter().enumerate() {
            let later = &fields[number + 1..];
            let wanted = later.iter().filter(|later| self.doc.fields[**later].required).count();
            let left = end - at;
            let take = self.takes(&self.doc.fields[*field], &args[at..end], wanted, later);
            let words =
                if self.doc.fields[*field].many { left.saturating_sub(wanted) } else { usize::from(take) };
            if words > 0 {
                let given = &mut self.given[*field];
                given.at = Some(args[at].span);
                given.words.extend(&args[at..at + words]);
                at += words;
            }
        }
        at
    }

    /// Whether a field for one word takes the first of those left.
    fn takes(&self, field: &Field, left: &[Word], wanted: usize, later: &[usize]) -> bool {
        let Some(word) = left.first() else {
            return false;
        };
        if field.required {
            return true;
        }
        // One that may be left out leaves words to those that may not, and those it cannot read to later ones,
        // unless these could not hold them all: then the word was meant for it and its problem is worth telling.
        left.len() > wanted && ((field.accepts)(word) || left.len() > self.capacity(later))
    }

    /// How many words the fields can hold.
    fn capacity(&self, fields: &[usize]) -> usize {
        fields.iter().map(|field| if self.doc.fields[*field].many { usize::MAX / 64 } else { 1 }).sum()
    }

    /// Reads `name value…` from here on.
    fn keywords(&mut self, from: usize) {
        let mut at = from;
        while let Some(word) = self.node.args.get(at) {
            let values = self.node.args[at + 1..].iter();
            let until_next = values.take_while(|word| !self.is_keyword(word)).count();
            let Some(index) = self.doc.keyword(&word.text).filter(|_| !word.quoted) else {
                self.unexpected(word, until_next);
                at += 1 + until_next;
                continue;
            };
            let field = &self.doc.fields[index];
            let count = match field.role {
                Role::Flag => 0,
                _ if field.many => until_next,
                // A value may look like a keyword, if it can be a value at all.
                _ => match self.node.args.get(at + 1) {
                    Some(next) if until_next > 0 || (field.accepts)(next) => 1,
                    _ => 0,
                },
            };
            let values = self.node.args[at + 1..at + 1 + count].iter().collect();
            self.say(index, word, values);
            at += 1 + count;
        }
    }

    fn block(&mut self) {
        let Some(lines) = &self.node.block else { return };
        if !self.doc.takes_block() {
            let at = lines.first().map_or(self.node.head_span(), |line| line.head_span());
            self.diagnostics.push(
                Diagnostic::error(UNEXPECTED_BLOCK, at, format!("`{}` takes no block", self.doc.name))
                    .help("end the line without `{`"),
            );
            return;
        }
        for line in lines {
            match self.doc.line(&line.name.text) {
                Some(index) if self.doc.fields[index].role == Role::Child => self.child(index, line),
                Some(index) => {
                    self.say(index, &line.name, line.args.iter().collect());
                    self.no_block(line);
                }
                None => match self.doc.rest() {
                    Some(index) => self.given[index].nodes.push(line),
                    None => self.unknown(line),
                },
            }
        }
    }

    /// A keyword with its values.
    fn say(&mut self, index: usize, name: &Word, words: Vec<&'a Word>) {
        if let Some(first) = self.given[index].at {
            return self.duplicate(name, first);
        }
        self.given[index].at = Some(name.span);
        self.given[index].words = words;
    }

    fn child(&mut self, index: usize, line: &'a Node) {
        let first = self.given[index].at;
        if let Some(first) = first.filter(|_| !self.doc.fields[index].many) {
            return self.duplicate(&line.name, first);
        }
        self.given[index].at = first.or(Some(line.name.span));
        self.given[index].nodes.push(line);
    }

    fn duplicate(&mut self, name: &Word, first: Span) {
        let title = format!("`{}` is said twice", name.text);
        self.diagnostics.push(
            Diagnostic::error(DUPLICATE, name.span, title)
                .also(first, "first said here")
                .help("remove one of them"),
        );
    }

    fn no_block(&mut self, line: &Node) {
        let Some(lines) = &line.block else { return };
        let at = lines.first().map_or(line.head_span(), |line| line.head_span());
        let title = format!("`{}` takes no block", line.name.text);
        self.diagnostics
            .push(Diagnostic::error(UNEXPECTED_BLOCK, at, title).help("end the line without `{`"));
    }

    fn unexpected(&mut self, word: &Word, values: usize) {
        let keywords = self.names(|field| field.is_keyword());
        let near =
            suggest::did_you_mean(&word.text, keywords.iter().map(String::as_str)).filter(|_| !word.quoted);
        let name = self.doc.name;
        let help = near.unwrap_or_else(|| {
            if keywords.is_empty() {
                format!("remove it, or quote the text if it belongs to the word before: {}", self.usage())
            } else {
                format!("what `{name}` takes by name: {}", list(&keywords))
            }
        });
        let title = if values > 0 && !keywords.is_empty() && !word.quoted {
            format!("`{name}` knows no {}", word.shown())
        } else {
            format!("`{name}` does not take {}", word.shown())
        };
        self.diagnostics.push(Diagnostic::error(UNEXPECTED_ARGUMENT, word.span, title).help(help));
    }

    fn unknown(&mut self, line: &Node) {
        let word = &line.name;
        let name = self.doc.name;
        let title = format!("`{name}` knows no {}", word.shown());
        let positional =
            self.doc.fields.iter().any(|field| field.role == Role::Positional && field.is_named(&word.text));
        let names = self.names(|field| field.role != Role::Positional);
        let help = if positional {
            format!("it has no name of its own: {}", self.usage())
        } else {
            suggest::did_you_mean(&word.text, names.iter().map(String::as_str))
                .unwrap_or_else(|| format!("what can stand here: {}", list(&names)))
        };
        self.diagnostics.push(Diagnostic::error(UNKNOWN_KEY, word.span, title).help(help));
    }

    /// How the positional arguments are written.
    fn usage(&self) -> String {
        let mut text = format!("write `{}", self.doc.name);
        for field in self.doc.fields.iter().filter(|field| field.role == Role::Positional) {
            let name = field.name().to_uppercase();
            let dots = if field.many { "…" } else { "" };
            text += &if field.required { format!(" {name}{dots}") } else { format!(" [{name}{dots}]") };
        }
        text + "`"
    }

    fn names(&self, of: impl Fn(&Field) -> bool) -> Vec<String> {
        self.doc
            .fields
            .iter()
            .filter(|field| field.role != Role::Rest && of(field))
            .map(Field::name)
            .collect()
    }

    fn is_keyword(&self, word: &Word) -> bool {
        !word.quoted && self.doc.keyword(&word.text).is_some()
    }

    fn misspelt(&self, word: &Word) -> bool {
        let keywords = self.names(|field| field.is_keyword());
        !word.quoted && suggest::suggest(&word.text, keywords.iter().map(String::as_str)).is_some()
    }

    fn of_role(&self, role: Role) -> Vec<usize> {
        let fields = self.doc.fields.iter().enumerate();
        fields.filter(|(_, field)| field.role == role).map(|(index, _)| index).collect()
    }
}

/// "`a`, `b`".
fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
