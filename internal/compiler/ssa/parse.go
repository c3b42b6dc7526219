package ssa

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
)

// Parse reads the text form of a program. Named values and blocks get the IDs that
// their names say; values without a result get further IDs. A text without a "prog"
// line is a program without a name. Lines that begin with "//" are comments.
// Parse checks the form only; Check tells whether a function is sound.
func Parse(text string) (*Prog, error) {
	p := &parser{prog: &Prog{Scratch: -1}}
	for i, line := range strings.Split(text, "\n") {
		p.line = i + 1
		fields, err := splitLine(line)
		if err == nil && len(fields) > 0 {
			err = p.parseLine(fields)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	if p.f != nil {
		return nil, fmt.Errorf("line %d: no } ends func %s", p.line, p.f.Name)
	}
	for _, u := range p.calls {
		f := p.prog.fn(u.name)
		if f == nil {
			return nil, fmt.Errorf("line %d: no func %s", u.line, u.name)
		}
		u.v.Aux = f
	}
	return p.prog, nil
}

func (p *Prog) fn(name string) *Func {
	for _, f := range p.Funcs {
		if f.Name == name {
			return f
		}
	}
	return nil
}

type parser struct {
	prog  *Prog
	line  int
	f     *Func // the function being read, or nil
	b     *Block
	vals  map[string]*Value
	voids []*Value
	uses  []nameUse // resolved at the function's end: blocks and phis are named before they stand
	calls []funcUse
	block map[string]*Block
	ends  []blockNames
	seen  map[string]bool // blocks whose header was read
}

type nameUse struct {
	name string
	line int
	set  func(*Value)
}

type funcUse struct {
	name string
	line int
	v    *Value
}

type blockNames struct {
	b            *Block
	line         int
	preds, succs []string
}

// splitLine cuts a line into fields; a quoted string is one field, a comment none.
func splitLine(line string) ([]string, error) {
	var out []string
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || strings.HasPrefix(line, "//") {
			return out, nil
		}
		if line[0] == '"' {
			q, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("string has no end")
			}
			out, line = append(out, q), line[len(q):]
			continue
		}
		n := strings.IndexAny(line, " \t\r")
		if n < 0 {
			n = len(line)
		}
		out, line = append(out, line[:n]), line[n:]
	}
}

func (p *parser) parseLine(w []string) error {
	switch {
	case w[0] == "prog":
		return p.progLine(w[1:])
	case w[0] == "func":
		return p.funcLine(strings.Join(w[1:], " "))
	case p.f == nil:
		return fmt.Errorf("%s stands outside a func", w[0])
	case w[0] == "}":
		return p.endFunc()
	case w[0] == "slot":
		return p.slotLine(w[1:])
	case strings.HasSuffix(w[0], ":"):
		return p.blockLine(w)
	case p.b == nil:
		return fmt.Errorf("%s stands outside a block", w[0])
	}
	w, pos, err := cutPos(w)
	if err != nil {
		return err
	}
	switch w[0] {
	case "jump", "if", "ret":
		return p.endBlock(w, pos)
	}
	return p.valueLine(w, pos)
}

// cutPos takes a position, "@12", off the end of a line.
func cutPos(w []string) ([]string, diag.Pos, error) {
	last := w[len(w)-1]
	if len(w) < 2 || last[0] != '@' {
		return w, 0, nil
	}
	n, err := strconv.ParseUint(last[1:], 10, 32)
	if err != nil {
		return nil, 0, fmt.Errorf("position %s isn't a number", last)
	}
	return w[:len(w)-1], diag.Pos(n), nil
}

// setting reads a field such as "size=8".
func setting(field string) (key string, n int64, err error) {
	key, val, _ := strings.Cut(field, "=")
	if n, err = strconv.ParseInt(val, 0, 64); err != nil {
		return "", 0, fmt.Errorf("%q isn't key=number", field)
	}
	return key, n, nil
}

func (p *parser) progLine(w []string) error {
	if len(w) == 0 {
		return fmt.Errorf("prog has no name")
	}
	name, err := strconv.Unquote(w[0])
	if err != nil {
		return fmt.Errorf("program name %s isn't quoted", w[0])
	}
	p.prog.Name = name
	for _, field := range w[1:] {
		key, n, err := setting(field)
		if err != nil {
			return err
		}
		switch key {
		case "scratch":
			p.prog.Scratch = int(n)
		case "offset":
			p.prog.ScratchOffset = uint32(n)
		case "size":
			p.prog.ScratchSize = uint32(n)
		default:
			return fmt.Errorf("prog has no %s", key)
		}
	}
	return nil
}

// funcLine reads "name kind(T, T) T {".
func (p *parser) funcLine(s string) error {
	if p.f != nil {
		return fmt.Errorf("func %s has no end before the next", p.f.Name)
	}
	name, rest, _ := strings.Cut(s, " ")
	kind, rest, ok := strings.Cut(rest, "(")
	params, rest, ok2 := strings.Cut(rest, ")")
	result, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if !ok || !ok2 || strings.TrimSpace(rest) != "{" {
		return fmt.Errorf("a function begins func NAME KIND(TYPES) TYPE {")
	}
	f := &Func{Name: name}
	k, ok := indexOf[FuncKind](kindNames[:], kind)
	if !ok {
		return fmt.Errorf("no function kind %q", kind)
	}
	f.Kind = k
	for t := range strings.SplitSeq(params, ",") {
		if t = strings.TrimSpace(t); t == "" {
			continue
		}
		typ, ok := indexOf[Type](typeNames[:], t)
		if !ok {
			return fmt.Errorf("no type %q", t)
		}
		f.Params = append(f.Params, typ)
	}
	if f.Result, ok = indexOf[Type](typeNames[:], result); !ok {
		return fmt.Errorf("no type %q", result)
	}
	p.prog.Funcs = append(p.prog.Funcs, f)
	*p = parser{prog: p.prog, line: p.line, calls: p.calls, f: f,
		vals: map[string]*Value{}, block: map[string]*Block{}, seen: map[string]bool{}}
	return nil
}

func indexOf[T ~uint8](names []string, s string) (T, bool) {
	for i, n := range names {
		if n == s {
			return T(i), true
		}
	}
	return 0, false
}

// slotLine reads `s0 "$x" size=8 align=8 scratch captured @12`.
func (p *parser) slotLine(w []string) error {
	if len(w) < 2 || w[0] != fmt.Sprintf("s%d", len(p.f.Slots)) {
		return fmt.Errorf("a slot is slot sN \"name\" size=N align=N, numbered from s0 on")
	}
	name, err := strconv.Unquote(w[1])
	if err != nil {
		return fmt.Errorf("slot name %s isn't quoted", w[1])
	}
	w, pos, err := cutPos(w)
	if err != nil {
		return err
	}
	s := p.f.NewSlot(name, 0, 1)
	s.Pos = pos
	for _, field := range w[2:] {
		switch field {
		case "scratch":
			s.Scratch = true
			continue
		case "captured":
			s.Captured = true
			continue
		}
		key, n, err := setting(field)
		if err != nil {
			return err
		}
		switch key {
		case "size":
			s.Size = uint32(n)
		case "align":
			s.Align = uint32(n)
		default:
			return fmt.Errorf("a slot has no %s", key)
		}
	}
	return nil
}

// number reads an ID: "v12" with prefix 'v'.
func number(prefix byte, s string) (ID, error) {
	if len(s) > 1 && s[0] == prefix {
		if n, err := strconv.ParseUint(s[1:], 10, 24); err == nil {
			return ID(n), nil
		}
	}
	return 0, fmt.Errorf("%q isn't %cN", s, prefix)
}

func (p *parser) blockLine(w []string) error {
	name := strings.TrimSuffix(w[0], ":")
	id, err := number('b', name)
	if err != nil {
		return err
	}
	if p.seen[name] {
		return fmt.Errorf("%s stands twice", name)
	}
	if p.b != nil {
		return fmt.Errorf("%s has no ending", p.b)
	}
	p.seen[name] = true
	b := &Block{ID: id, Func: p.f}
	p.block[name] = b
	p.f.Blocks = append(p.f.Blocks, b)
	p.f.lastBlock = max(p.f.lastBlock, id+1)
	p.b = b
	end := blockNames{b: b, line: p.line}
	if len(w) > 1 {
		if w[1] != "<-" {
			return fmt.Errorf("%q where <- should be", w[1])
		}
		end.preds = w[2:]
	}
	p.ends = append(p.ends, end)
	return nil
}

// endBlock reads "jump b1", "if v1 b2 b3 likely", "ret v1".
func (p *parser) endBlock(w []string, pos diag.Pos) error {
	b, end := p.b, &p.ends[len(p.ends)-1]
	b.Pos = pos
	args := w[1:]
	if n := len(args); n > 0 {
		switch args[n-1] {
		case "likely":
			b.Likely, args = 1, args[:n-1]
		case "unlikely":
			b.Likely, args = -1, args[:n-1]
		}
	}
	if w[0] != "jump" && len(args) > 0 {
		p.use(args[0], func(v *Value) { b.SetControl(v) })
		args = args[1:]
	}
	want := 0
	switch w[0] {
	case "jump":
		b.Kind, want = BlockPlain, 1
	case "if":
		b.Kind, want = BlockIf, 2
	case "ret":
		b.Kind = BlockRet
	}
	if len(args) != want {
		return fmt.Errorf("%s goes to %d blocks", w[0], want)
	}
	end.succs = args
	p.b = nil
	return nil
}

func (p *parser) use(name string, set func(*Value)) {
	p.uses = append(p.uses, nameUse{name, p.line, set})
}

// endFunc resolves the names of values and blocks.
func (p *parser) endFunc() error {
	f := p.f
	if p.b != nil {
		return fmt.Errorf("%s has no ending", p.b)
	}
	if len(f.Blocks) == 0 {
		return fmt.Errorf("func %s has no block", f.Name)
	}
	for _, v := range p.voids {
		v.ID = f.lastValue
		f.lastValue++
	}
	for _, u := range p.uses {
		v := p.vals[u.name]
		if v == nil {
			return fmt.Errorf("value %s, used in line %d, isn't defined", u.name, u.line)
		}
		u.set(v)
	}
	for _, e := range p.ends {
		for i, names := range [2][]string{e.preds, e.succs} {
			for _, name := range names {
				c := p.block[name]
				if c == nil {
					return fmt.Errorf("block %s, named in line %d, isn't defined", name, e.line)
				}
				if i == 0 {
					e.b.Preds = append(e.b.Preds, c)
				} else {
					e.b.Succs = append(e.b.Succs, c)
				}
			}
		}
	}
	p.f = nil
	return nil
}
