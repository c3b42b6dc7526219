package types

import (
	"strconv"
	"strings"
	"sync"

	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// BuiltinID names a builtin for the one who generates code.
type BuiltinID uint16

// Builtin is a row of the universe: a builtin variable or function.
type Builtin struct {
	ID   BuiltinID
	Name string
	// Min and Max bound the arguments of a call; Max -1: any number. Var: it may stand without parentheses.
	Min, Max  int
	Var       bool
	Aggregate bool // only as a map's assigned value: count, hist …
	Async     bool // acts in user space
	Unsafe    bool // behind --unsafe
	Stmt      bool // has no value
	Own       bool // skep's: what the script or the kernel calls by its name goes before
	Doc       string
	// Probes are the kinds of probes that have it; nil: all.
	Probes []probe.Kind
	// check types the call or use (e is the CallExpr or Ident); nil: the parser has syntax
	// of its own for it.
	check func(c *checker, e syntax.Expr, args []syntax.Expr, b *Builtin) *Type
}

// Universe is the table of all builtins, each group in the order of its file. arg0, arg1 …
// are the row argN.
func Universe() []Builtin {
	var all []Builtin
	for _, part := range [][]Builtin{
		taskBuiltins(), clockBuiltins(), probeBuiltins(), outputBuiltins(), mapBuiltins(),
		aggregateBuiltins(), stringBuiltins(), addressBuiltins(), netBuiltins(), metaBuiltins(),
		skepBuiltins(),
	} {
		all = append(all, part...)
	}
	return all
}

// IsBuiltin reports whether name is a builtin's.
func IsBuiltin(name string) bool { return findBuiltin(name) != nil }

// findBuiltin finds the row of a name; nil: there is none.
func findBuiltin(name string) *Builtin {
	if argNumber(name) >= 0 {
		name = "argN"
	}
	if b := table()[name]; b != nil {
		return b
	}
	return table()[strings.TrimPrefix(name, internalPrefix)]
}

// internalPrefix marks the names under which bpftrace's own library knows builtins.
const internalPrefix = "__builtin_"

// byName is the universe by name, made at first use. Nothing changes it then.
var byName struct {
	once sync.Once
	rows map[string]*Builtin
}

func table() map[string]*Builtin {
	byName.once.Do(func() {
		all := Universe()
		byName.rows = make(map[string]*Builtin, len(all))
		for i := range all {
			byName.rows[all[i].Name] = &all[i]
		}
	})
	return byName.rows
}

// argNumber is N of argN, or -1.
func argNumber(name string) int {
	digits, ok := strings.CutPrefix(name, "arg")
	if !ok || digits == "" || len(digits) > 1 && digits[0] == '0' {
		return -1
	}
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil {
		return -1
	}
	return int(n)
}
