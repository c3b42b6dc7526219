package tools

import (
	"fmt"
	"slices"
	"strings"
)

// The help text is laid out as bcc's tools have it, which is Python's argparse: 78
// columns, explanations from column 24 at the latest.
const (
	usageWidth = 78
	maxHelpCol = 24
)

// Usage is the help text of the tool under the name by which it was called.
func (h *Header) Usage(name string) string {
	var b strings.Builder
	b.WriteString(h.usageLine(name))
	fmt.Fprintf(&b, "\n%s\n", wrap(upperFirst(h.Summary), "", usageWidth))
	if h.Text != "" {
		for _, p := range strings.Split(h.Text, "\n\n") {
			fmt.Fprintf(&b, "\n%s\n", wrap(strings.Join(strings.Fields(p), " "), "", usageWidth))
		}
	}
	rows, args := h.rows()
	col := helpColumn(append(slices.Clone(rows), args...))
	section(&b, "positional arguments", args, col)
	section(&b, "options", rows, col)
	h.examples(&b, name)
	return b.String()
}

// usageLine is `usage: name [-h] [-d DISK] [interval]`, wrapped under the name's end.
func (h *Header) usageLine(name string) string {
	words := []string{"[-h]"}
	for i := 0; i < len(h.Options); i++ {
		o := &h.Options[i]
		set := h.exclusiveFrom(i)
		if len(set) == 0 {
			words = append(words, "["+o.short()+"]")
			continue
		}
		var alt []string
		for range set {
			alt = append(alt, h.Options[i].short())
			i++
		}
		i--
		words = append(words, "["+strings.Join(alt, " | ")+"]")
	}
	for _, a := range h.Args {
		if a.HasDefault {
			words = append(words, "["+a.Name+"]")
		} else {
			words = append(words, a.Name)
		}
	}
	head := "usage: " + name + " "
	return head + wrapWords(words, strings.Repeat(" ", len(head)), usageWidth-len(head)) + "\n"
}

// exclusiveFrom is the exclusive set whose options stand in a row from option i on.
func (h *Header) exclusiveFrom(i int) []string {
	for _, set := range h.Exclusive {
		if i+len(set) > len(h.Options) {
			continue
		}
		row := h.Options[i : i+len(set)]
		if !slices.ContainsFunc(row, func(o Option) bool { return !slices.Contains(set, o.Long) }) {
			return set
		}
	}
	return nil
}

// short is the option as the usage line has it: -d DISK.
func (o *Option) short() string {
	s := "--" + o.Long
	if o.Short != "" {
		s = "-" + o.Short
	}
	return s + o.valueText()
}

func (o *Option) valueText() string {
	switch {
	case o.Choices != nil:
		return " {" + strings.Join(o.Choices, ",") + "}"
	case o.Value != "":
		return " " + o.Value
	}
	return ""
}

// row is a line of the help text.
type row struct{ what, help string }

func (h *Header) rows() (options, args []row) {
	options = []row{{"-h, --help", "show this help message and exit"}}
	for _, o := range h.Options {
		what := "--" + o.Long + o.valueText()
		if o.Short != "" {
			what = "-" + o.Short + ", " + what
		}
		options = append(options, row{what, o.Help})
	}
	for _, a := range h.Args {
		args = append(args, row{a.Name, a.Help})
	}
	return options, args
}

func helpColumn(rows []row) int {
	col := 0
	for _, r := range rows {
		col = max(col, len(r.what)+4)
	}
	return min(col, maxHelpCol)
}

func section(b *strings.Builder, title string, rows []row, col int) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	indent := strings.Repeat(" ", col)
	for _, r := range rows {
		help := wrap(r.help, indent, usageWidth-col)
		if len(r.what) > col-4 {
			fmt.Fprintf(b, "  %s\n%s%s\n", r.what, indent, help)
			continue
		}
		fmt.Fprintf(b, "  %-*s%s\n", col-2, r.what, help)
	}
}

// examples are the header's, under the name by which the tool was called.
func (h *Header) examples(b *strings.Builder, name string) {
	if len(h.Examples) == 0 {
		return
	}
	width := 0
	list := slices.Clone(h.Examples)
	for i, e := range list {
		if args, ok := strings.CutPrefix(e.Command, h.Name); ok {
			list[i].Command = name + args
		}
		width = max(width, len(list[i].Command))
	}
	b.WriteString("\nexamples:\n")
	for _, e := range list {
		line := fmt.Sprintf("    %-*s  # %s", width, e.Command, e.Help)
		if e.Help == "" || len(line) > 80 {
			line = "    " + e.Command
			if e.Help != "" {
				line += "\n        # " + wrap(e.Help, "        # ", usageWidth-10)
			}
		}
		fmt.Fprintln(b, line)
	}
}

// wrap breaks text into lines of at most width bytes; those after the first are indented.
func wrap(text, indent string, width int) string {
	return wrapWords(strings.Fields(text), indent, width)
}

func wrapWords(words []string, indent string, width int) string {
	var b strings.Builder
	used := 0
	for i, w := range words {
		switch {
		case i == 0:
		case used+1+len(w) > width:
			b.WriteString("\n" + indent)
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(w)
		used += len(w)
	}
	return b.String()
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
