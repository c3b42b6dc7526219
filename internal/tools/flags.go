package tools

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skep-bpf/skep/internal/diag"
)

// Values are what a command line gives to a script.
type Values struct {
	Params []string          // $1, $2 …, defaults filled in
	Named  map[string]string // for getopt, by the long names; only what was given
	Help   bool              // -h was given: the others are empty
}

// UsageError is a command line that doesn't fit the header. Its text is one line.
type UsageError struct{ msg string }

func (e *UsageError) Error() string { return e.msg }

func usageErrorf(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// Flags are the options as pflag has them, for parsing and for completion.
func (h *Header) Flags() *pflag.FlagSet {
	f := pflag.NewFlagSet(h.Name, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {}
	f.BoolP("help", "h", false, "show this help message and exit")
	for _, o := range h.Options {
		if o.Value == "" {
			f.BoolP(o.Long, o.Short, false, o.Help)
			continue
		}
		f.StringP(o.Long, o.Short, "", o.Help)
	}
	return f
}

// Parse reads the arguments of a call of the script. The error is a *UsageError.
func (h *Header) Parse(args []string) (Values, error) {
	f := h.Flags()
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(h.unabbreviated(name))
	})
	if err := f.Parse(args); err != nil {
		return Values{}, h.flagError(err)
	}
	if help, _ := f.GetBool("help"); help {
		return Values{Help: true}, nil
	}
	v := Values{Named: map[string]string{}}
	for _, o := range h.Options {
		flag := f.Lookup(o.Long)
		if !flag.Changed {
			continue
		}
		if err := o.allow(flag.Value.String()); err != nil {
			return Values{}, err
		}
		v.Named[o.Long] = flag.Value.String()
	}
	for _, set := range h.Exclusive {
		given := slices.DeleteFunc(slices.Clone(set), func(name string) bool { return !f.Changed(name) })
		if len(given) > 1 {
			return Values{}, usageErrorf("options --%s and --%s exclude each other", given[0], given[1])
		}
	}
	var err error
	v.Params, err = h.positional(f.Args())
	return v, err
}

// longNames are the options' names after `--`.
func (h *Header) longNames() []string {
	names := []string{"help"}
	for _, o := range h.Options {
		names = append(names, o.Long)
	}
	return names
}

// beginning are the long names that begin so.
func (h *Header) beginning(name string) []string {
	return slices.DeleteFunc(h.longNames(), func(n string) bool { return !strings.HasPrefix(n, name) })
}

// unabbreviated is the only long name that begins so, as Python's argparse takes them, which
// bcc's tools use; else name.
func (h *Header) unabbreviated(name string) string {
	if names := h.beginning(name); len(names) == 1 {
		return names[0]
	}
	return name
}

// flagError words an error of pflag's, with the option that was meant.
func (h *Header) flagError(err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if cluster := unknown.GetSpecifiedShortnames(); cluster != "" {
			return usageErrorf("unknown option -%s", name)
		}
		if names := h.beginning(name); len(names) > 1 {
			return usageErrorf("option --%s is --%s", name, strings.Join(names, " or --"))
		}
		if near, ok := diag.Nearest(name, h.longNames()); ok {
			return usageErrorf("unknown option --%s; did you mean --%s?", name, near)
		}
		return usageErrorf("unknown option --%s", name)
	case errors.As(err, &missing):
		o, _ := h.option(missing.GetFlag().Name)
		return usageErrorf("option %s takes a value: %s", o.spelling(), o.Value)
	case errors.As(err, &invalid):
		return usageErrorf("option --%s takes no value", invalid.GetFlag().Name)
	}
	return usageErrorf("%v", err)
}

// spelling is -s/--long.
func (o *Option) spelling() string {
	if o.Short == "" {
		return "--" + o.Long
	}
	return "-" + o.Short + "/--" + o.Long
}

// allow checks a value against the choices, or the form of a list.
func (o *Option) allow(value string) error {
	if o.Choices != nil && !slices.Contains(o.Choices, value) {
		return usageErrorf("option %s is one of %s, not %q", o.spelling(), strings.Join(o.Choices, ", "), value)
	}
	switch {
	case o.List:
		for _, item := range strings.Split(value, ",") {
			if !o.Range.holds(strings.TrimSpace(item)) {
				return usageErrorf("option %s takes numbers%s separated by commas, not %q", o.spelling(), o.Range, value)
			}
		}
	case o.Range != nil && !o.Range.holds(value):
		return usageErrorf("option %s is a number%s, not %q", o.spelling(), o.Range, value)
	}
	return nil
}

// positional fills in the defaults of the arguments that weren't given.
func (h *Header) positional(given []string) ([]string, error) {
	if len(given) > len(h.Args) {
		return nil, usageErrorf("unexpected argument %q", given[len(h.Args)])
	}
	out := slices.Clone(given)
	for i, a := range h.Args {
		switch {
		case i >= len(given) && !a.HasDefault:
			return nil, usageErrorf("argument %s is missing", a.Name)
		case i >= len(given):
			out = append(out, a.Default)
		case a.isNumber() && !a.Range.holds(given[i]):
			return nil, usageErrorf("argument %s is a number%s, not %q", a.Name, a.Range, given[i])
		}
	}
	return out, nil
}

// isNumber reports whether the argument is a number by its range or by its default.
func (a *Arg) isNumber() bool {
	_, err := strconv.ParseUint(a.Default, 0, 64)
	return a.Range != nil || a.HasDefault && err == nil
}
