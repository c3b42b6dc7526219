package syntax

// Kind tells tokens apart. Operators share a few kinds; which one it is stands in
// the token's Op, so that the parser asks about classes and not about spellings.
type Kind uint8

// Token kinds.
const (
	EOF     Kind = iota
	Invalid      // reported by the scanner; the parser passes it by
	Name         // identifiers, and the keywords: all of them are names in some place
	Var          // $name
	Param        // $1, $#
	Map          // @name, @
	Number
	String
	LParen    // (
	RParen    // )
	LBrack    // [
	RBrack    // ]
	LBrace    // {
	RBrace    // }
	Comma     // ,
	Semi      // ;
	Colon     // :
	Question  // ?
	Dot       // .
	DotDot    // ..
	Arrow     // ->
	Bang      // !
	Tilde     // ~
	AssignTok // = and, with Op the binary operator, += -= …
	IncDec    // ++ and --, Op is PostInc or PostDec
	Operator  // a binary operator; Mul, Sub and And are unary ones too
)

var kindText = [...]string{
	EOF: "end of script", Invalid: "invalid character", Name: "name", Var: "variable",
	Param: "parameter", Map: "map", Number: "number", String: "string",
	LParen: "(", RParen: ")", LBrack: "[", RBrack: "]", LBrace: "{", RBrace: "}",
	Comma: ",", Semi: ";", Colon: ":", Question: "?", Dot: ".", DotDot: "..", Arrow: "->",
	Bang: "!", Tilde: "~", AssignTok: "=", IncDec: "++", Operator: "operator",
}

// String is the kind's spelling, or a word for it where it has none.
func (k Kind) String() string { return kindText[k] }

// Token is one token: the bytes [Start, End) of the source.
type Token struct {
	Kind       Kind
	Op         Op
	Start, End int
}

// precedence of the binary operators, from 1 (binds least); 0: not binary.
var precedence = [...]uint8{
	LOr: 1, LAnd: 2, Or: 3, Xor: 4, And: 5, Eq: 6, Ne: 6, Lt: 7, Le: 7, Gt: 7, Ge: 7,
	Shl: 8, Shr: 8, Add: 9, Sub: 9, Mul: 10, Div: 10, Mod: 10, PostDec: 0,
}

// Precedence is how strongly a binary operator binds: 1 is || and 10 is *; 0 for the others.
func (o Op) Precedence() int {
	if int(o) < len(precedence) {
		return int(precedence[o])
	}
	return 0
}

// punctuation lists the spellings that begin with each byte, longest first.
var punctuation = [256][]struct {
	text string
	kind Kind
	op   Op
}{
	'(': {{"(", LParen, 0}},
	')': {{")", RParen, 0}},
	'[': {{"[", LBrack, 0}},
	']': {{"]", RBrack, 0}},
	'{': {{"{", LBrace, 0}},
	'}': {{"}", RBrace, 0}},
	',': {{",", Comma, 0}},
	';': {{";", Semi, 0}},
	':': {{":", Colon, 0}},
	'?': {{"?", Question, 0}},
	'.': {{"..", DotDot, 0}, {".", Dot, 0}},
	'~': {{"~", Tilde, 0}},
	'!': {{"!=", Operator, Ne}, {"!", Bang, 0}},
	'=': {{"==", Operator, Eq}, {"=", AssignTok, ASSIGN}},
	'+': {{"++", IncDec, PostInc}, {"+=", AssignTok, Add}, {"+", Operator, Add}},
	'-': {{"--", IncDec, PostDec}, {"->", Arrow, 0}, {"-=", AssignTok, Sub}, {"-", Operator, Sub}},
	'*': {{"*=", AssignTok, Mul}, {"*", Operator, Mul}},
	'/': {{"/=", AssignTok, Div}, {"/", Operator, Div}},
	'%': {{"%=", AssignTok, Mod}, {"%", Operator, Mod}},
	'^': {{"^=", AssignTok, Xor}, {"^", Operator, Xor}},
	'&': {{"&&", Operator, LAnd}, {"&=", AssignTok, And}, {"&", Operator, And}},
	'|': {{"||", Operator, LOr}, {"|=", AssignTok, Or}, {"|", Operator, Or}},
	'<': {{"<<=", AssignTok, Shl}, {"<<", Operator, Shl}, {"<=", Operator, Le}, {"<", Operator, Lt}},
	'>': {{">>=", AssignTok, Shr}, {">>", Operator, Shr}, {">=", Operator, Ge}, {">", Operator, Gt}},
}
