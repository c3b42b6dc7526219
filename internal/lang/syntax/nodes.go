// Package syntax is the script's text as tokens and trees: scanner, nodes, parser,
// walk, clone and formatter. It knows the grammar of bpftrace 0.27 and of skep's
// additions, and nothing of types or of the machine.
package syntax

import "github.com/skep-bpf/skep/internal/diag"

// ExprID numbers the expressions (and types) of a compilation, densely from 1, so that
// facts about them are kept in slices. The parser gives ids; clones get new ones.
type ExprID uint32

// IDs hands out ExprIDs. One is shared by everything that is compiled together.
type IDs struct{ last ExprID }

// Next returns a fresh id.
func (n *IDs) Next() ExprID { n.last++; return n.last }

// Len is one more than the last id: the length of a slice indexed by ExprID.
func (n *IDs) Len() int { return int(n.last) + 1 }

// Node is any node with a place.
type Node interface{ Span() diag.Span }

type node struct{ Pos diag.Span }

// Span is the source range of the node.
func (n *node) Span() diag.Span { return n.Pos }

// SetSpan sets the source range of the node.
func (n *node) SetSpan(s diag.Span) { n.Pos = s }

// Expr is an expression.
type Expr interface {
	Node
	ID() ExprID
	SetID(ExprID)
	isExpr()
}

type expr struct {
	node
	id ExprID
}

func (e *expr) ID() ExprID      { return e.id }
func (e *expr) SetID(id ExprID) { e.id = id }
func (*expr) isExpr()           {}

// Stmt is a statement.
type Stmt interface {
	Node
	isStmt()
}

type stmt struct{ node }

func (*stmt) isStmt() {}

// Decl is an item of a script's top level.
type Decl interface {
	Node
	isDecl()
}

type decl struct{ node }

func (*decl) isDecl() {}

// Script is one parsed source.
type Script struct {
	Source   *diag.Source
	Shebang  string    // the "#!" line without its newline, or ""
	Decls    []Decl    // in the order of the source
	Comments []Comment // all comments in order; the formatter puts them back
}

// Span is the whole source.
func (s *Script) Span() diag.Span {
	return diag.Span{Start: s.Source.Pos(0), End: s.Source.Pos(len(s.Source.Text))}
}

// Comment is a // or /* */ comment, its marks included.
type Comment struct {
	Pos  diag.Span
	Text string
}

// Top level.
type (
	// CDef is C text that stands before the script: a preprocessor directive
	// (#include, #define, #ifdef …) or a struct, union or enum definition, verbatim.
	CDef struct {
		decl
		Text string
	}
	// Config is `config = { name = value; … }`.
	Config struct {
		decl
		Vars []*ConfigVar
	}
	// Import is `import "path";`, at the top or (as ImportStmt) in a block.
	Import struct {
		decl
		Path *StringLit
	}
	// MapDecl is `let @name = kind(max);`.
	MapDecl struct {
		decl
		Name string // with its @
		Kind *Ident // hash, lruhash, percpuhash, percpulruhash …
		Max  Expr
	}
	// Const is `const name [: type] = value;`.
	Const struct {
		decl
		Name *Ident
		Type *TypeExpr // nil: none written
		X    Expr
	}
	// Macro is `macro name(a, $b, @c) { … }`.
	Macro struct {
		decl
		Name   *Ident
		Params []*MacroParam
		Parens bool // written with parentheses
		Body   *Block
	}
	// Func is `fn name($a: type, …) : type { … }`.
	Func struct {
		decl
		Name   *Ident
		Params []*FuncParam
		Result *TypeExpr // nil: none written
		Body   *Block
	}
	// Probe is attach points, an optional predicate, and a block.
	Probe struct {
		decl
		Points []*AttachPoint
		Pred   Expr // nil: none
		Body   *Block
	}
)

// ConfigVar is `name = value` in a config block; Value is an IntLit, BoolLit, StringLit or Ident.
type ConfigVar struct {
	node
	Name  *Ident
	Value Expr
}

// MacroParam is a parameter of a macro: an identifier (any expression), `$v` or `@m`.
type MacroParam struct {
	node
	Name string // with its $ or @
}

// FuncParam is `$name: type`.
type FuncParam struct {
	node
	Name string
	Type *TypeExpr
}

// AttachPoint is one attach point as it was written: `[name=]provider:part:…`.
// internal/probe gives it meaning.
type AttachPoint struct {
	node
	Name string // before '=', or ""
	Text string // the whole, verbatim but for comments and blanks, quotes kept: `uprobe:/bin/sh:"a b"`
	// Parts are the colon-separated parts with quotes removed and $N still in
	// place (expand substitutes positional parameters, before probe parses).
	Parts []AttachPart
	// Missing is the number of a positional parameter in it that has no value; 0: none.
	Missing int
}

// AttachPart is one colon-separated part of an attach point.
type AttachPart struct {
	Pos  diag.Span
	Text string
	// Quoted: it was written in quotes, so * is no wildcard mark for the shell of it
	// (bpftrace still treats * in quotes as a wildcard; probe decides).
	Quoted bool
}

// Statements.
type (
	// Block is `{ …; value }`. It's a statement, and an expression when Value isn't nil.
	Block struct {
		expr
		Stmts []Stmt
		Value Expr // the last expression without a semicolon, or nil
	}
	// ExprStmt is an expression for its effect.
	ExprStmt struct {
		stmt
		X Expr
	}
	// Let is `let $x [: type] [= value];`.
	Let struct {
		stmt
		Name *VarExpr
		Type *TypeExpr // or nil
		X    Expr      // or nil
	}
	// Assign is `target op value`; Op is ASSIGN, or the binary operator of a compound one.
	Assign struct {
		stmt
		Target Expr // VarExpr, MapExpr, IndexExpr over a MapExpr, FieldExpr …
		Op     Op
		X      Expr
	}
	// Discard is `_ = value;`.
	Discard struct {
		stmt
		X Expr
	}
	// If is `if [comptime] (cond) { … } else …`. Also an expression (IfExpr).
	If struct {
		stmt
		X *IfExpr
	}
	// While is `while (cond) { … }`.
	While struct {
		stmt
		Cond Expr
		Body *Block
	}
	// Unroll is `unroll (n) { … }`.
	Unroll struct {
		stmt
		N    Expr
		Body *Block
	}
	// For is `for ($v : @map) { … }` (Map set) or `for ($v : from..to) { … }`.
	For struct {
		stmt
		Var      *VarExpr
		Map      *MapExpr
		From, To Expr
		Body     *Block
	}
	// Jump is break, continue or return [value].
	Jump struct {
		stmt
		Kind JumpKind
		X    Expr // of return, or nil
	}
	// ImportStmt is `import "path";` inside a block.
	ImportStmt struct {
		stmt
		Path *StringLit
	}
	// BlockStmt is a bare block as a statement.
	BlockStmt struct {
		stmt
		X *Block
	}
)

// JumpKind tells the jumps apart.
type JumpKind uint8

// The jumps.
const (
	Break JumpKind = iota
	Continue
	Return
)

// Expressions.
type (
	// IntLit is an integer; Val holds its bits. Neg: it was folded from -literal.
	IntLit struct {
		expr
		Val  uint64
		Neg  bool   // Val is a negative int64
		Text string // as written: 1e6, 0x1F, 1_000, 5s
		// Duration: it had a duration suffix and Val is in nanoseconds.
		Duration bool
	}
	// BoolLit is true or false.
	BoolLit struct {
		expr
		Val bool
	}
	// StringLit is a string; Val has its escapes resolved, Text has the quotes.
	StringLit struct {
		expr
		Val  string
		Text string
	}
	// ParamExpr is `$N` (N from 1) or `$#` (N = 0).
	ParamExpr struct {
		expr
		N int
	}
	// Ident is a bare name: a builtin, a macro, an enumerator, a C constant, or a type.
	Ident struct {
		expr
		Name string
	}
	// VarExpr is a scratch variable, Name with its $.
	VarExpr struct {
		expr
		Name string
	}
	// MapExpr is a map without a key, Name with its @.
	MapExpr struct {
		expr
		Name string
	}
	// IndexExpr is `x[i, …]`: a map's element, an array's, a tuple's, a pointer's.
	IndexExpr struct {
		expr
		X    Expr
		Args []Expr // more than one: the key is a tuple of them
	}
	// FieldExpr is `x.name` or `x->name`.
	FieldExpr struct {
		expr
		X     Expr
		Name  *Ident
		Arrow bool
	}
	// TupleIndex is `x.0`. Of a number it's a fraction: `0.99`.
	TupleIndex struct {
		expr
		X      Expr
		N      int
		Digits int // that N is written with: 2 of .05
	}
	// CallExpr is `name(args)`.
	CallExpr struct {
		expr
		Fun  *Ident
		Args []Expr // a TypeExpr may stand among them
		Bang bool   // written name!(…)
	}
	// UnaryExpr is `op x`: Neg Not BitNot Deref AddrOf PreInc PreDec, or postfix PostInc PostDec.
	UnaryExpr struct {
		expr
		Op Op
		X  Expr
	}
	// BinaryExpr is `x op y`.
	BinaryExpr struct {
		expr
		Op    Op
		OpPos diag.Span
		X, Y  Expr
	}
	// CondExpr is `c ? a : b`; A is nil for `c ?: b`.
	CondExpr struct {
		expr
		Cond, A, B Expr
	}
	// IfExpr is if/else as an expression or statement. Else is nil, a *Block or an *IfExpr.
	IfExpr struct {
		expr
		Comptime bool
		Cond     Expr
		Then     *Block
		Else     Expr
	}
	// CastExpr is `(type)x`.
	CastExpr struct {
		expr
		Type *TypeExpr
		X    Expr
	}
	// TupleExpr is `(a, b)`, `(a,)` or `()`.
	TupleExpr struct {
		expr
		Elems []Expr
	}
	// RecordExpr is `(name=a, …)`.
	RecordExpr struct {
		expr
		Fields []*RecordField
	}
	// SizeofExpr is sizeof(type) or sizeof(expr): one of Type and X is set.
	SizeofExpr struct {
		expr
		Type *TypeExpr
		X    Expr
	}
	// OffsetofExpr is offsetof(type or expr, a.b.c).
	OffsetofExpr struct {
		expr
		Type *TypeExpr
		X    Expr
		Path []*Ident
	}
	// TypeinfoExpr is typeinfo(type or expr).
	TypeinfoExpr struct {
		expr
		Type *TypeExpr
		X    Expr
	}
	// ComptimeExpr is `comptime x`.
	ComptimeExpr struct {
		expr
		X Expr
	}
	// ParenExpr is `(x)`; kept for the formatter.
	ParenExpr struct {
		expr
		X Expr
	}
	// TypeExpr is a type where one is written: casts, sizeof, let, fn.
	//   Name is "int32", "string", "struct sock" (Tag "struct", Name "sock"), "void" …
	//   Ptr counts the stars; Dims are the array sizes in the order they are written, nil
	//   Expr for []. Stars bind before brackets: "int8*[4]" is four pointers, and each
	//   bracket wraps what stands before it: "int8[4][2]" is two arrays of four.
	//   Typeof is set for typeof(expr), TypeofType for typeof(type).
	//   Elem stands for the name where stars follow brackets: "int8[4]*" is
	//   Elem{int8, Dims 4} with Ptr 1.
	TypeExpr struct {
		expr
		Tag        string // "", "struct", "union", "enum"
		Name       string
		Size       Expr // string[64], buffer[8], inet …: the size parameter, or nil
		Ptr        int
		Dims       []Expr
		Typeof     Expr
		TypeofType *TypeExpr
		Elem       *TypeExpr
	}
	// BadExpr stands where an expression could not be parsed.
	BadExpr struct{ expr }
)

// RecordField is `name=value`.
type RecordField struct {
	node
	Name *Ident
	X    Expr
}

// Op is an operator.
type Op uint8

// Operators. The binary ones stand in order of C's precedence groups.
const (
	NoOp Op = iota
	ASSIGN
	LOr
	LAnd
	Or
	Xor
	And
	Eq
	Ne
	Lt
	Le
	Gt
	Ge
	Shl
	Shr
	Add
	Sub
	Mul
	Div
	Mod
	Neg
	Not
	BitNot
	Deref
	AddrOf
	PreInc
	PreDec
	PostInc
	PostDec
)

var opText = [...]string{
	ASSIGN: "=", LOr: "||", LAnd: "&&", Or: "|", Xor: "^", And: "&", Eq: "==", Ne: "!=",
	Lt: "<", Le: "<=", Gt: ">", Ge: ">=", Shl: "<<", Shr: ">>", Add: "+", Sub: "-",
	Mul: "*", Div: "/", Mod: "%", Neg: "-", Not: "!", BitNot: "~", Deref: "*", AddrOf: "&",
	PreInc: "++", PreDec: "--", PostInc: "++", PostDec: "--",
}

// String is the operator as it is written.
func (o Op) String() string {
	if int(o) < len(opText) {
		return opText[o]
	}
	return ""
}
