// Package ctree is the tree of C functions whose types are checked: what lang/cdecl makes of
// a BPF program written in C, and what compiler/cgen makes code of. Nothing in it is of the
// C front end.
//
// The tree says what C leaves to rules: every conversion is a node, operands have the types
// that they're computed in, pointer arithmetic counts bytes, a member is an offset. Constant
// expressions are folded (fold.go).
package ctree

import "github.com/skep-bpf/skep/internal/diag"

// Kind is a kind of C type.
type Kind uint8

// The kinds. Enums are integers, unions are structs whose members share bytes.
const (
	Void Kind = iota
	Bool
	Int
	Pointer
	Struct
	Array
	Function
)

// Type is a C type, as far as code depends on it.
type Type struct {
	Kind   Kind
	Size   uint32 // bytes; 0 of an incomplete type
	Align  uint32
	Signed bool  // Int
	Elem   *Type // Pointer, Array
}

// Scalar reports whether a value of the type fits into a register.
func (t *Type) Scalar() bool {
	return t.Kind == Bool || t.Kind == Int || t.Kind == Pointer
}

// The types that rules of C name.
var (
	VoidType  = &Type{Kind: Void}
	BoolType  = &Type{Kind: Bool, Size: 1, Align: 1}
	IntType   = &Type{Kind: Int, Size: 4, Align: 4, Signed: true}
	UIntType  = &Type{Kind: Int, Size: 4, Align: 4}
	LongType  = &Type{Kind: Int, Size: 8, Align: 8, Signed: true}
	ULongType = &Type{Kind: Int, Size: 8, Align: 8}
	FuncType  = &Type{Kind: Function}
)

// PointerTo is the type of pointers to t.
func PointerTo(t *Type) *Type { return &Type{Kind: Pointer, Size: 8, Align: 8, Elem: t} }

// Var is a variable, parameter, literal or map of a C text.
type Var struct {
	Name string
	Type *Type
	Span diag.Span
	// Static: it lives as long as the programs do. Data is its initial value, nil: zeros.
	Static   bool
	Data     []byte
	ReadOnly bool   // const
	Align    uint32 // at least that, up to 8
	Map      *Map   // it's a map: SEC(".maps")
	// Kernel: a variable of the kernel (__ksym); Weak: it may be missing.
	Kernel, Weak bool
}

// Map is the definition of a BPF map.
type Map struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32
}

// Func is a function: defined in the text, the kernel's, or a helper.
type Func struct {
	Name     string
	Span     diag.Span
	Params   []*Var
	Result   *Type
	Variadic bool
	Body     *Block // nil: it's only declared
	Static   bool
	Inline   Inlining
	Kernel   bool  // declared __ksym
	Weak     bool  // Kernel: it may be missing; its address is NULL then
	Helper   int64 // its number; 0: it's none
	// Uses counts the places in the text that name it.
	Uses int
}

// Inlining is what a function's attributes and specifiers say of inlining.
type Inlining uint8

// What may be said.
const (
	MayInline    Inlining = iota
	WantsInline           // inline
	AlwaysInline          // __attribute__((always_inline))
	NeverInline           // __attribute__((noinline))
)

// Node is what every node of the tree has.
type Node struct{ Span diag.Span }

// Where is the node's place in the text.
func (n Node) Where() diag.Span { return n.Span }

// Expr is an expression. One that designates memory (Var, Deref, Member, CompoundLit, and a
// Call that returns a struct) stands for the value in it, except as the operand of AddrOf, of
// an assignment, or of Member.
type Expr interface {
	Type() *Type
	Where() diag.Span
}

// Op is an operator.
type Op uint8

// The operators. Both operands of a binary one have the type that it's computed in, except
// that a shift's count may be of any integer type. Comparisons give an int.
const (
	Add Op = iota
	Sub
	Mul
	Div
	Mod
	And
	Or
	Xor
	Shl
	Shr
	Eq
	Ne
	Lt
	Le
	Gt
	Ge
)

// IsCompare reports whether op gives an int of 0 or 1.
func (op Op) IsCompare() bool { return op >= Eq }

type (
	// Const is an integer, or a pointer of that address.
	Const struct {
		Node
		T   *Type
		Val int64 // extended as T says
	}
	// VarRef designates a variable.
	VarRef struct {
		Node
		Var *Var
	}
	// Deref designates what a pointer points to.
	Deref struct {
		Node
		X Expr
		T *Type
	}
	// Member designates bytes of a struct, an array or a union, or bits of it.
	Member struct {
		Node
		X   Expr // designates memory
		T   *Type
		Off int64
		BitField
	}
	// Absent is a member that the running kernel doesn't have; only code that isn't reached may
	// use it. Name is as the text has it.
	Absent struct {
		Node
		Name string
		T    *Type
	}
	// AddrOf is the address of memory.
	AddrOf struct {
		Node
		X Expr
		T *Type
	}
	// FuncAddr is a function's address.
	FuncAddr struct {
		Node
		Func *Func
	}
	// Neg is -X, Compl is ~X, of X's type.
	Neg   struct{ unary }
	Compl struct{ unary }
	// Not is !X, an int.
	Not struct{ unary }
	// Binary is an arithmetic operation or a comparison; pointers are compared, too.
	Binary struct {
		Node
		Op   Op
		X, Y Expr
		T    *Type
	}
	// PtrAdd is a pointer and a number of bytes, a long.
	PtrAdd struct {
		Node
		X, N Expr
	}
	// PtrDiff is the difference of two pointers to elements of Size bytes, a long.
	PtrDiff struct {
		Node
		X, Y Expr
		Size int64
	}
	// Logic is X && Y, or X || Y: an int.
	Logic struct {
		Node
		Or   bool
		X, Y Expr
	}
	// Cond is C ? X : Y.
	Cond struct {
		Node
		C, X, Y Expr
		T       *Type
	}
	// Comma is X, Y.
	Comma struct {
		Node
		X, Y Expr
	}
	// Assign is Dst = X; X has Dst's type.
	Assign struct {
		Node
		Dst, X Expr
	}
	// Update is Dst op= X, computed in type In; of a pointer Dst, X counts bytes.
	Update struct {
		Node
		Op     Op
		Dst, X Expr
		In     *Type
		Post   bool // its value is Dst's before: Dst++, Dst--
	}
	// Convert is X as a T.
	Convert struct {
		Node
		X Expr
		T *Type
	}
	// Call calls a function.
	Call struct {
		Node
		Func *Func
		Args []Expr
	}
	// Builtin is an operation of the compiler's: its name is without __builtin_.
	Builtin struct {
		Node
		Name string
		Args []Expr
		T    *Type
	}
	// CompoundLit is a variable without a name.
	CompoundLit struct {
		Node
		Var  *Var
		Init []Init
	}
	// StmtExpr is a block whose last statement, X, gives it its value; nil: none does.
	StmtExpr struct {
		Node
		Block *Block
		X     Expr
	}
)

type unary struct {
	Node
	X Expr
	T *Type
}

// BitField is where a bit-field is: Bits bits from bit BitOff on, in a unit of Unit bytes.
type BitField struct {
	BitOff, Bits, Unit uint8 // Bits 0: it's none
}

// Init sets bytes of a variable, which is zeroed before.
type Init struct {
	Off int64
	BitField
	T *Type
	X Expr
}

func (e *Const) Type() *Type       { return e.T }
func (e *VarRef) Type() *Type      { return e.Var.Type }
func (e *Deref) Type() *Type       { return e.T }
func (e *Member) Type() *Type      { return e.T }
func (e *Absent) Type() *Type      { return e.T }
func (e *AddrOf) Type() *Type      { return e.T }
func (e *FuncAddr) Type() *Type    { return FuncPointer }
func (e *unary) Type() *Type       { return e.T }
func (e *Binary) Type() *Type      { return e.T }
func (e *PtrAdd) Type() *Type      { return e.X.Type() }
func (e *PtrDiff) Type() *Type     { return LongType }
func (e *Logic) Type() *Type       { return IntType }
func (e *Cond) Type() *Type        { return e.T }
func (e *Comma) Type() *Type       { return e.Y.Type() }
func (e *Assign) Type() *Type      { return e.Dst.Type() }
func (e *Update) Type() *Type      { return e.Dst.Type() }
func (e *Convert) Type() *Type     { return e.T }
func (e *Call) Type() *Type        { return e.Func.Result }
func (e *Builtin) Type() *Type     { return e.T }
func (e *CompoundLit) Type() *Type { return e.Var.Type }
func (e *StmtExpr) Type() *Type {
	if e.X == nil {
		return VoidType
	}
	return e.X.Type()
}

// FuncPointer is the type of functions' addresses.
var FuncPointer = PointerTo(FuncType)

// Stmt is a statement.
type Stmt interface{ Where() diag.Span }

type (
	// Block is { … }.
	Block struct {
		Node
		Stmts []Stmt
	}
	// ExprStmt computes X and drops its value.
	ExprStmt struct {
		Node
		X Expr
	}
	// Decl begins a variable's life; without Set it may hold anything.
	Decl struct {
		Node
		Var  *Var
		Set  bool
		Init []Init
	}
	// If runs Then or Else, which may be nil.
	If struct {
		Node
		C          Expr
		Then, Else Stmt
	}
	// Loop is any of C's: Init, then as long as C (nil: always) Body and Step. Do: the first
	// time without asking C.
	Loop struct {
		Node
		Init    Stmt
		C, Step Expr
		Body    Stmt
		Do      bool
	}
	// Switch goes to the Case in Body that X, converted to the type of all cases, is in.
	Switch struct {
		Node
		X     Expr
		Body  Stmt
		Cases []*Case
	}
	// Case is a label of a switch with the values From to To, or its default.
	Case struct {
		Node
		Default  bool
		From, To int64
		Body     Stmt
	}
	// Label is a place that Goto goes to.
	Label struct {
		Node
		Name string
		Body Stmt
	}
	// Goto goes to a label of the function.
	Goto struct {
		Node
		Name string
	}
	// Break leaves the innermost loop or switch, Continue begins the loop's next turn.
	Break    struct{ Node }
	Continue struct{ Node }
	// Return ends the function; X is nil without a value.
	Return struct {
		Node
		X Expr
	}
)
