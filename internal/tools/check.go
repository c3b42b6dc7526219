package tools

import (
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Check reports where the header and the script differ: options without a getopt and the
// other way round, types, and positional parameters. options are what expand found.
func (h *Header) Check(script *syntax.Script, options []types.Option, rep *diag.Reporter) {
	asked := map[string]bool{}
	for _, o := range options {
		asked[o.Name] = true
		declared, ok := h.option(o.Name)
		if !ok {
			rep.Errorf(diag.CodeHeaderNoOption, o.Span, "option --%s isn't declared in the header", o.Name).
				Note("add a line `// @option --%s  what it does`", o.Name)
			continue
		}
		if msg := mismatch(declared, o); msg != "" {
			rep.Errorf(diag.CodeHeaderMismatch, o.Span, "%s", msg).NoteAt(declared.Span, "the header declares it here")
		}
	}
	for _, o := range h.Options {
		if !asked[o.Long] {
			rep.Errorf(diag.CodeHeaderNoGetopt, o.Span, "the script never asks for option --%s", o.Long).
				Note("it gets the value by getopt(\"%s\")", o.Long)
		}
	}
	h.checkArgs(script, rep)
}

// mismatch tells how an @option line and a getopt call differ; "": they don't.
func mismatch(o *Option, got types.Option) string {
	switch {
	case o.Value == "" && got.Kind != types.Bool:
		return "option --" + o.Long + " takes a value here, and the header names none"
	case o.Value == "" && got.Default == "true":
		return "option --" + o.Long + " can only be switched on, so its default is false"
	case o.Value != "" && got.Kind == types.Bool:
		return "option --" + o.Long + " has the value " + o.Value + " in the header, and is true or false here"
	case o.Range != nil && !o.List && got.Kind != types.Int:
		return "option --" + o.Long + " is a number in the header, and a string here"
	case (o.List || o.Choices != nil || o.Dir != "") && got.Kind != types.String:
		return "option --" + o.Long + " is a string in the header, and a number here"
	}
	return ""
}

// checkArgs compares the @arg lines with the positional parameters that the script uses.
func (h *Header) checkArgs(script *syntax.Script, rep *diag.Reporter) {
	used := map[int]bool{}
	use := func(n int, at diag.Span) {
		if n > len(h.Args) && !used[n] {
			rep.Errorf(diag.CodeHeaderPosition, at, "$%d isn't declared in the header", n).
				Note("the @arg lines are $1, $2 … in their order")
		}
		used[n] = true
	}
	for _, d := range script.Decls {
		syntax.Inspect(d, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.ParamExpr:
				use(n.N, n.Span())
			case *syntax.AttachPoint:
				for _, i := range pointParams(n) {
					use(i, n.Span())
				}
			}
			return true
		})
	}
	for i, a := range h.Args {
		if !used[i+1] {
			rep.Errorf(diag.CodeHeaderPosition, a.Span, "the script never uses $%d, which is the argument `%s`", i+1, a.Name)
		}
	}
}

// pointParams are the numbers of the parameters in an attach point.
func pointParams(a *syntax.AttachPoint) []int {
	var out []int
	for _, p := range a.Parts {
		if p.Quoted {
			continue
		}
		for _, s := range strings.Split(p.Text, "$")[1:] {
			n := 0
			for i := 0; i < len(s) && i < 6 && '0' <= s[i] && s[i] <= '9'; i++ {
				n = n*10 + int(s[i]-'0')
			}
			out = append(out, n)
		}
	}
	return out
}

// FromOptions is a header for a script that has none, made from its getopt calls.
func FromOptions(name string, options []types.Option) *Header {
	h := &Header{Name: name, Summary: "options of the script " + name}
	for _, o := range options {
		opt := Option{Long: o.Name, Help: o.Help, Span: o.Span}
		switch o.Kind {
		case types.Int:
			opt.Value = "NUMBER"
		case types.String:
			opt.Value = "TEXT"
		}
		if o.Default != "" && o.Default != "false" {
			opt.Help = strings.TrimSpace(opt.Help + " (default " + o.Default + ")")
		}
		h.Options = append(h.Options, opt)
	}
	return h
}
