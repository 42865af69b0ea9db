//! The names a CEL expression takes from outside: its identifiers without those its own macros bind
//! (`list.all(x, …)` binds `x` in its body, and nowhere else).

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr};

/// The free names of an expression, sorted. Names that begin with `@` are the parser's own and left out.
pub fn free_names(expression: &IdedExpr) -> BTreeSet<String> {
    let mut walk = Walk::default();
    walk.expression(expression);
    walk.free
}

#[derive(Default)]
struct Walk<'a> {
    /// What the macros around this place bind, the innermost last.
    bound: Vec<&'a str>,
    free: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn expression(&mut self, expression: &'a IdedExpr) {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => {
                if !name.starts_with('@') && !self.bound.contains(&name.as_str()) {
                    self.free.insert(name.clone());
                }
            }
            Expr::Select(select) => self.expression(&select.operand),
            Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(|part| {
                self.expression(part);
            }),
            Expr::List(list) => list.elements.iter().for_each(|part| self.expression(part)),
            Expr::Map(map) => self.entries(&map.entries),
            Expr::Struct(structure) => self.entries(&structure.entries),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn entries(&mut self, entries: &'a [IdedEntryExpr]) {
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => self.expression(&field.value),
                EntryExpr::MapEntry(entry) => {
                    self.expression(&entry.key);
                    self.expression(&entry.value);
                }
            }
        }
    }

    /// The range and the start are outside the macro's scope; the rest sees what it binds.
    fn comprehension(&mut self, comprehension: &'a ComprehensionExpr) {
        self.expression(&comprehension.iter_range);
        self.expression(&comprehension.accu_init);
        let before = self.bound.len();
        self.bound.extend([comprehension.iter_var.as_str(), comprehension.accu_var.as_str()]);
        self.bound.extend(comprehension.iter_var2.as_deref());
        self.expression(&comprehension.loop_cond);
        self.expression(&comprehension.loop_step);
        self.expression(&comprehension.result);
        self.bound.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        free_names(cel::Program::compile(text).unwrap().expression()).into_iter().collect()
    }

    #[test]
    fn what_a_macro_binds_is_free_outside_of_it_only() {
        assert_eq!(names("doc.files.all(name, doc.files[name].covered > least)"), ["doc", "least"]);
        assert_eq!(names("doc.list.exists(x, x == 1) && x"), ["doc", "x"]);
        assert_eq!(names("x.map(x, [x, {y: x}])"), ["x", "y"]);
        assert_eq!(names("size(run.head) == 40 ? doc.a : evidence.unit.state"), ["doc", "evidence", "run"]);
        assert_eq!(names("doc.a.filter(i, i.b.all(j, i == j && k))"), ["doc", "k"]);
    }
}
