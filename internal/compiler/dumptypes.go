package compiler

import (
	"fmt"
	"io"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// dumpTypes prints what the checker found out: the maps, and for each program its points,
// its variables and the type of each expression, constants with their value.
func dumpTypes(w io.Writer, info *types.Info, src *diag.Sources) {
	for _, m := range info.Maps {
		key := ""
		if m.Key != nil {
			key = "[" + m.Key.String() + "]"
		}
		fmt.Fprintf(w, "%s%s: %s\n", m.Name, key, m.Value)
	}
	for _, u := range info.Units {
		var points []string
		for _, p := range u.Points {
			points = append(points, p.Text)
		}
		fmt.Fprintf(w, "probe %s\n", strings.Join(points, ", "))
		if u.Pred != nil {
			dumpExprs(w, u.Pred, info, src)
		}
		if u.Body != nil {
			dumpExprs(w, u.Body, info, src)
		}
	}
}

// dumpExprs prints the expressions below n in the order of the source, a line each.
func dumpExprs(w io.Writer, n syntax.Node, info *types.Info, src *diag.Sources) {
	syntax.Inspect(n, func(n syntax.Node) bool {
		e, ok := n.(syntax.Expr)
		if !ok {
			return true
		}
		if _, block := n.(*syntax.Block); block {
			return true
		}
		id := int(e.ID())
		if id >= len(info.Types) || info.Types[id] == nil || info.Types[id].Kind == types.Void {
			return true
		}
		place, text := exprText(e.Span(), src)
		value := ""
		if k := info.Consts[id]; k != nil {
			value = fmt.Sprintf(" = %d", int64(k.Int))
			if k.IsStr {
				value = fmt.Sprintf(" = %q", k.Str)
			}
		}
		fmt.Fprintf(w, "  %-8s %s: %s%s\n", place, text, info.Types[id], value)
		return true
	})
}

// exprText is where an expression stands, and its text on one line.
func exprText(s diag.Span, src *diag.Sources) (place, text string) {
	f, at, _ := src.Resolve(s.Start)
	if f == nil {
		return "-", "?"
	}
	line, col := f.LineCol(at)
	from := f.Offset(at)
	to := min(from+int(s.End-s.Start), len(f.Text))
	return fmt.Sprintf("%d:%d", line, col), strings.Join(strings.Fields(f.Text[from:to]), " ")
}
