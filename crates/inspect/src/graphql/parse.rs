use super::document::{
    Argument, Content, Directive, Document, Field, Fragment, Operation, OperationKind, Selection, Type, Value,
    VariableDefinition,
};
use super::fault::{Fault, Rule};
use super::lex::{Lexer, Token};

/// Sets, lists and objects within each other: the parser's stack, and that of everything after it.
const MOST_NESTED: usize = 64;

/// Reads an executable document. Definitions of types have no business in a request.
pub(super) fn parse(text: &str, most_tokens: usize) -> Result<Document<'_>, Fault> {
    let mut parser = Parser::new(text, most_tokens)?;
    let mut document = Document::default();
    while parser.token != Token::End {
        match parser.token {
            Token::Name("fragment") => document.fragments.push(parser.fragment()?),
            Token::Mark(b'{') | Token::Name("query" | "mutation" | "subscription") => {
                document.operations.push(parser.operation()?);
            }
            _ => return Err(parser.fault()),
        }
    }
    Ok(document)
}

/// What executable documents and schemas have in common.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    pub(super) token: Token<'a>,
    pub(super) at: u32,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, most_tokens: usize) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text, most_tokens);
        let (token, at) = lexer.next()?;
        Ok(Self { lexer, token, at, depth: 0 })
    }

    pub(super) fn fault(&self) -> Fault {
        Fault::new(Rule::Syntax, self.at)
    }

    pub(super) fn advance(&mut self) -> Result<Token<'a>, Fault> {
        let (token, at) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    pub(super) fn is_mark(&self, mark: u8) -> bool {
        self.token == Token::Mark(mark)
    }

    pub(super) fn take(&mut self, mark: u8) -> Result<bool, Fault> {
        let is_there = self.is_mark(mark);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    pub(super) fn expect(&mut self, mark: u8) -> Result<(), Fault> {
        if self.take(mark)? { Ok(()) } else { Err(self.fault()) }
    }

    pub(super) fn take_word(&mut self, word: &str) -> Result<bool, Fault> {
        let is_there = matches!(self.token, Token::Name(name) if name == word);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    pub(super) fn name(&mut self) -> Result<&'a str, Fault> {
        let Token::Name(name) = self.token else { return Err(self.fault()) };
        self.advance()?;
        Ok(name)
    }

    /// The stack is bounded: whoever sends `{a{a{a…` gets no further than this.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= MOST_NESTED {
            return Err(Fault::new(Rule::Nesting, self.at));
        }
        self.depth += 1;
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    /// One or more between two marks; none where the first mark is not there.
    pub(super) fn several<T>(
        &mut self,
        open: u8,
        close: u8,
        read: impl Fn(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut several = Vec::new();
        if self.take(open)? {
            several.push(read(self)?);
            while !self.take(close)? {
                several.push(read(self)?);
            }
        }
        Ok(several)
    }

    fn operation(&mut self) -> Result<Operation<'a>, Fault> {
        let at = self.at;
        if self.is_mark(b'{') {
            let (kind, selections) = (OperationKind::Query, self.selections()?);
            return Ok(Operation { kind, name: None, variables: Vec::new(), directives: Vec::new(), selections, at });
        }
        let kind = match self.name()? {
            "query" => OperationKind::Query,
            "mutation" => OperationKind::Mutation,
            _ => OperationKind::Subscription,
        };
        let name = if matches!(self.token, Token::Name(_)) { Some(self.name()?) } else { None };
        let variables = self.several(b'(', b')', Self::variable_definition)?;
        let directives = self.directives()?;
        Ok(Operation { kind, name, variables, directives, selections: self.selections()?, at })
    }

    fn fragment(&mut self) -> Result<Fragment<'a>, Fault> {
        let at = self.at;
        self.advance()?;
        let name = self.name()?;
        if name == "on" || !self.take_word("on")? {
            return Err(self.fault());
        }
        let on = self.name()?;
        let directives = self.directives()?;
        Ok(Fragment { name, on, directives, selections: self.selections()?, at })
    }

    fn variable_definition(&mut self) -> Result<VariableDefinition<'a>, Fault> {
        let at = self.at;
        self.expect(b'$')?;
        let name = self.name()?;
        self.expect(b':')?;
        let ty = self.ty()?;
        let default = if self.take(b'=')? { Some(self.value(false)?) } else { None };
        Ok(VariableDefinition { name, ty, default, directives: self.directives()?, at })
    }

    pub(super) fn ty(&mut self) -> Result<Type<&'a str>, Fault> {
        let ty = if self.take(b'[')? {
            let inner = self.nested(Self::ty)?;
            self.expect(b']')?;
            Type::List(Box::new(inner))
        } else {
            Type::Named(self.name()?)
        };
        Ok(if self.take(b'!')? { Type::NonNull(Box::new(ty)) } else { ty })
    }

    fn selections(&mut self) -> Result<Vec<Selection<'a>>, Fault> {
        if !self.is_mark(b'{') {
            return Err(self.fault());
        }
        self.nested(|parser| parser.several(b'{', b'}', Self::selection))
    }

    fn selection(&mut self) -> Result<Selection<'a>, Fault> {
        let at = self.at;
        if self.token != Token::Spread {
            return Ok(Selection::Field(Box::new(self.field()?)));
        }
        self.advance()?;
        match self.token {
            Token::Name(name) if name != "on" => {
                self.advance()?;
                Ok(Selection::Spread { name, directives: self.directives()?, at })
            }
            _ => {
                let on = if self.take_word("on")? { Some(self.name()?) } else { None };
                let directives = self.directives()?;
                Ok(Selection::Inline { on, directives, selections: self.selections()?, at })
            }
        }
    }

    fn field(&mut self) -> Result<Field<'a>, Fault> {
        let at = self.at;
        let first = self.name()?;
        let (alias, name) = if self.take(b':')? { (Some(first), self.name()?) } else { (None, first) };
        let arguments = self.several(b'(', b')', |parser| parser.argument(true))?;
        let directives = self.directives()?;
        let selections = if self.is_mark(b'{') { self.selections()? } else { Vec::new() };
        Ok(Field { alias, name, arguments, directives, selections, at })
    }

    pub(super) fn directives(&mut self) -> Result<Vec<Directive<'a>>, Fault> {
        let mut directives = Vec::new();
        while self.is_mark(b'@') {
            let at = self.at;
            self.advance()?;
            let name = self.name()?;
            let arguments = self.several(b'(', b')', |parser| parser.argument(true))?;
            directives.push(Directive { name, arguments, at });
        }
        Ok(directives)
    }

    fn argument(&mut self, takes_variables: bool) -> Result<Argument<'a>, Fault> {
        let at = self.at;
        let name = self.name()?;
        self.expect(b':')?;
        Ok(Argument { name, value: self.value(takes_variables)?, at })
    }

    /// A value; variables have none in a constant.
    pub(super) fn value(&mut self, takes_variables: bool) -> Result<Value<'a>, Fault> {
        let at = self.at;
        let content = match self.advance()? {
            Token::Mark(b'$') if takes_variables => Content::Variable(self.name()?),
            Token::Int(text) => Content::Int(text),
            Token::Float(text) => Content::Float(text),
            Token::Text(text) => Content::Text(text),
            Token::Name("true") => Content::Bool(true),
            Token::Name("false") => Content::Bool(false),
            Token::Name("null") => Content::Null,
            Token::Name(name) => Content::Enum(name),
            Token::Mark(b'[') => {
                Content::List(self.nested(|parser| parser.until(b']', |it| it.value(takes_variables)))?)
            }
            Token::Mark(b'{') => {
                Content::Object(self.nested(|parser| parser.until(b'}', |it| it.argument(takes_variables)))?)
            }
            _ => return Err(Fault::new(Rule::Syntax, at)),
        };
        Ok(Value { content, at })
    }

    /// Any number of them up to a mark.
    fn until<T>(&mut self, close: u8, read: impl Fn(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut several = Vec::new();
        while !self.take(close)? {
            several.push(read(self)?);
        }
        Ok(several)
    }
}
