package isa

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Assemble reads the syntax that Printer writes, one instruction a line. A line may
// begin with its number and "(op)", as in the kernel's and bpftool's listings; blank
// lines and lines that begin with ";" are skipped. Names of helpers aren't looked at:
// the number after # counts.
func Assemble(text string) ([]Insn, error) {
	var prog []Insn
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(linePrefix().ReplaceAllString(line, ""))
		if line == "" || line[0] == ';' {
			continue
		}
		in, err := assembleLine(line)
		if err != nil {
			return nil, fmt.Errorf("assemble line %d: %w", n+1, err)
		}
		prog = append(prog, in)
	}
	return prog, nil
}

// The patterns are compiled at first use: most runs assemble nothing.
var (
	linePrefix = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*\d+:\s*(\([0-9a-f]{2}\)\s*)?`)
	})
	allForms = sync.OnceValue(forms)
)

// A form is one shape of instruction text. The pattern is written with the classes of
// formClasses; build gets its groups.
type form struct {
	re    *regexp.Regexp
	build func(g *groups) Insn
}

// formClasses are the abbreviations in patterns: %r a register with its width letter,
// %x a 64-bit register's number, %n a number, %m a memory operand, %j a jump target.
var formClasses = strings.NewReplacer(
	"%r", `([rw])(\d+)`,
	"%x", `r(\d+)`,
	"%n", `([+-]?(?:0x[0-9a-f]+|\d+))`,
	"%m", `\(([us])(8|16|32|64) \*\)\(r(\d+) ?([+-] ?\d+)\)`,
	"%j", `pc([+-]\d+)`,
	" ", `\s*`,
)

func newForm(pattern string, build func(*groups) Insn) form {
	return form{regexp.MustCompile("^" + formClasses.Replace(pattern) + "$"), build}
}

// groups hands out a match's submatches in order and keeps the first error.
type groups struct {
	s   []string
	err error
}

func (g *groups) str() string {
	s := g.s[0]
	g.s = g.s[1:]
	return s
}

func (g *groups) num(bits int) int64 {
	s := strings.ReplaceAll(g.str(), " ", "")
	if v, err := strconv.ParseInt(s, 0, bits); err == nil {
		return v
	}
	v, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		g.fail("number %s doesn't fit in %d bits", s, bits)
	}
	if bits == 32 {
		return int64(int32(v))
	}
	return int64(v)
}

func (g *groups) reg() Reg {
	v, err := strconv.ParseUint(g.str(), 10, 8)
	if err != nil || v > uint64(R10) {
		g.fail("no such register")
	}
	return Reg(v)
}

func (g *groups) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

func (g *groups) off() int16 { return int16(g.num(16)) }

// mem reads %m: whether it's signed, the size, the base and the offset.
func (g *groups) mem() (signed bool, size uint8, base Reg, off int16) {
	signed = g.str() == "s"
	bits, _ := strconv.Atoi(g.str())
	return signed, SizeOf(bits / 8), g.reg(), g.off()
}

// operation finds an operator's bits in aluOps or jumpOps.
func (g *groups) operation(ops *[16]string, op string) uint8 {
	for i, s := range ops {
		if s == op && s != "" {
			return uint8(i) << 4
		}
	}
	g.fail("no operator %s", op)
	return 0
}

func assembleLine(line string) (Insn, error) {
	for _, f := range allForms() {
		m := f.re.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		g := &groups{s: m[1:]}
		in := f.build(g)
		return in, g.err
	}
	return Insn{}, fmt.Errorf("%q is no instruction", line)
}
