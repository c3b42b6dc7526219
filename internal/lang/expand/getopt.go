package expand

import (
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// option is what the script asks for with getopt.
type option struct {
	types.Option
	signed bool        // an integer with a negative default
	value  optionValue // what it's now
}

// optionValue is a value of one of an option's kinds.
type optionValue struct {
	num uint64 // Int, Bool
	neg bool
	str string
}

// options checks the command line against what the script asked for, and lists that.
func (v *values) options() []types.Option {
	out := make([]types.Option, len(v.opts))
	names := make([]string, len(v.opts))
	for i, o := range v.opts {
		out[i] = o.Option
		names[i] = o.Name
	}
	for _, n := range v.opt.Named {
		if v.byName[n.Name] == nil {
			v.unknown(n.Name, names)
		}
	}
	return out
}

func (v *values) unknown(name string, names []string) {
	d := v.rep.Errorf(diag.CodeOptionUnknown, diag.Span{}, "unexpected program command line options: --%s", name)
	if len(names) == 0 {
		d.Note("no custom program options defined.")
		return
	}
	if near, ok := diag.Nearest(name, names); ok {
		d.Note("did you mean --%s?", near)
	}
	d.Note("expected program options: --%s", strings.Join(names, ", --"))
}

// getopt is the value of an option as a literal of its type.
func (v *values) getopt(e *syntax.CallExpr) syntax.Expr {
	o, ok := v.declaration(e)
	if !ok {
		return v.place(&syntax.BadExpr{}, e)
	}
	old := v.byName[o.Name]
	if old == nil {
		o.value = v.value(o)
		v.byName[o.Name] = o
		v.opts = append(v.opts, o)
		return v.literal(o, e)
	}
	switch {
	case old.Kind != o.Kind || old.Default != o.Default:
		v.rep.Errorf(diag.CodeGetoptDefault, o.Span, "option `%s` has another default here: %s and not %s", o.Name, o.Default, old.Default).
			NoteAt(old.Span, "the first use is here")
	case old.Help == "":
		old.Help = o.Help
	case o.Help != "" && o.Help != old.Help:
		v.rep.Errorf(diag.CodeGetoptHelp, o.Span, "option `%s` has another help text here", o.Name).
			NoteAt(old.Span, "the first use is here")
	}
	return v.literal(old, e)
}

// declaration reads the arguments of a getopt call.
func (v *values) declaration(e *syntax.CallExpr) (*option, bool) {
	at := v.span(e)
	if len(e.Args) < 1 || len(e.Args) > 3 {
		v.rep.Errorf(diag.CodeGetopt, at, "getopt takes a name, a default and a help text, not %d arguments", len(e.Args))
		return nil, false
	}
	args := make([]syntax.Expr, len(e.Args))
	for i, a := range e.Args {
		args[i] = v.expr(a)
	}
	name, ok := args[0].(*syntax.StringLit)
	if !ok {
		v.rep.Errorf(diag.CodeGetopt, args[0].Span(), "the name of an option is a string literal")
		return nil, false
	}
	o := &option{Option: types.Option{Name: name.Val, Kind: types.Bool, Default: "false", Span: at}}
	if len(args) > 1 && !o.setDefault(args[1]) {
		v.rep.Errorf(diag.CodeGetopt, args[1].Span(), "the default of an option is a literal: a number, a string, true or false")
		return nil, false
	}
	if len(args) > 2 {
		help, ok := args[2].(*syntax.StringLit)
		if !ok {
			v.rep.Errorf(diag.CodeGetopt, args[2].Span(), "the help text of an option is a string literal")
			return nil, false
		}
		o.Help = help.Val
	}
	return o, true
}

// setDefault takes the type and default of an option from a literal.
func (o *option) setDefault(e syntax.Expr) bool {
	if u, ok := e.(*syntax.UnaryExpr); ok && u.Op == syntax.Neg {
		if lit, ok := u.X.(*syntax.IntLit); ok && !lit.Neg {
			e = &syntax.IntLit{Val: -lit.Val, Neg: lit.Val != 0}
		}
	}
	switch e := e.(type) {
	case *syntax.BoolLit:
		o.Kind, o.Default = types.Bool, strconv.FormatBool(e.Val)
	case *syntax.StringLit:
		o.Kind, o.Default = types.String, e.Val
	case *syntax.IntLit:
		o.Kind, o.signed = types.Int, e.Neg
		o.Default = strconv.FormatUint(e.Val, 10)
		if e.Neg {
			o.Default = strconv.FormatInt(int64(e.Val), 10)
		}
	default:
		return false
	}
	return true
}

// value is what the command line says of the option, or its default.
func (v *values) value(o *option) optionValue {
	text := o.Default
	for _, n := range v.opt.Named {
		if n.Name != o.Name {
			continue
		}
		if text = n.Value; n.Bare {
			text = "true"
			if o.Kind != types.Bool {
				wrong := "expects a string"
				if o.Kind == types.Int {
					wrong = "expects an integer"
				}
				v.badValue(o, wrong, text).Note("write --%s=…", o.Name)
				return optionValue{}
			}
		}
	}
	switch o.Kind {
	case types.String:
		return optionValue{str: text}
	case types.Bool:
		on, ok := ParseBool(text)
		if !ok {
			v.badValue(o, "expects a boolean (e.g. 'true')", text).Note("it's true or false, 1 or 0")
		}
		if on {
			return optionValue{num: 1}
		}
		return optionValue{}
	}
	num, neg, ok := parseNumber(text)
	if !ok || neg && !o.signed || !neg && o.signed && num > 1<<63-1 {
		d := v.badValue(o, "invalid integer", text)
		if ok && neg {
			d.Note("it can't be negative since its default isn't")
		}
	}
	return optionValue{num: num, neg: neg}
}

func (v *values) badValue(o *option, wrong, text string) *diag.Diagnostic {
	return v.rep.Errorf(diag.CodeOptionValue, diag.Span{}, "program command line option --%s %s (value: %s)", o.Name, wrong, text).
		NoteAt(o.Span, "the script asks for it here")
}

// ParseBool reads the value of a true-or-false option: 1 true on yes, 0 false off no.
func ParseBool(text string) (val, ok bool) {
	switch strings.ToLower(text) {
	case "1", "true", "on", "yes":
		return true, true
	case "0", "false", "off", "no":
		return false, true
	}
	return false, false
}

// literal is the value of o in the place of e. Integers have 64 bits, whatever the value.
func (v *values) literal(o *option, e syntax.Expr) syntax.Expr {
	switch o.Kind {
	case types.Bool:
		return v.place(&syntax.BoolLit{Val: o.value.num != 0}, e)
	case types.String:
		return v.stringLit(o.value.str, e)
	}
	width := "uint64"
	if o.signed {
		width = "int64"
	}
	t := v.place(&syntax.TypeExpr{Name: width}, e).(*syntax.TypeExpr)
	return v.place(&syntax.CastExpr{Type: t, X: v.intLit(o.value.num, o.value.neg, e)}, e)
}
