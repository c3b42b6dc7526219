package cdecl

import (
	"slices"
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// packedEnum is an enum with __attribute__((packed)): gcc gives it the smallest type that holds
// its values. The front end passes over the attribute, but knows C23's enums with a type
// (`enum e : unsigned char { … }`). So the text is translated once to learn the values, and
// once more with the type put in.
type packedEnum struct {
	at    int      // the offset of its brace
	names []string // of the enumerators
}

// packedEnums finds those of a text.
func packedEnums(text string) []packedEnum {
	if !strings.Contains(text, "packed") {
		return nil
	}
	f := finder{}
	s := scanner{text: text}
	for t := s.next(); t.kind != eof; t = s.next() {
		f.toks = append(f.toks, t)
	}
	var out []packedEnum
	for i := range f.toks {
		if !f.at(i).is("enum") {
			continue
		}
		brace := i + 1
		if f.at(brace).kind == name {
			brace++
		}
		if !f.at(brace).is("{") {
			continue
		}
		end := f.group(brace)
		behind := end
		for f.at(behind).is("__attribute__") {
			behind = f.group(behind + 1)
		}
		isPacked := func(t token) bool { return t.is("packed") || t.is("__packed__") }
		if !f.at(end).is("__packed") && !slices.ContainsFunc(f.toks[end:behind], isPacked) {
			continue
		}
		e := packedEnum{at: f.at(brace).pos}
		for j := brace; j < end; j++ {
			if (f.at(j).is("{") || f.at(j).is(",")) && f.at(j+1).kind == name {
				e.names = append(e.names, f.at(j+1).text)
			}
		}
		out = append(out, e)
	}
	return out
}

// pack puts the types of the packed enums into what the front end reads, and reports whether
// there are any.
func (t *tree) pack(ast *cc.AST) bool {
	t.inserts = map[string][]insert{}
	do := func(name, text string) {
		for _, e := range packedEnums(text) {
			if u := e.underlying(ast); u != nil {
				t.inserts[name] = append(t.inserts[name], insert{e.at, ": " + integerName(u) + " "})
			}
		}
	}
	for _, u := range t.units {
		do(u.name, u.text.String())
	}
	for _, h := range t.read {
		do(h.path, h.text)
	}
	return len(t.inserts) > 0
}

// underlying is the smallest type that holds the enumerators; nil: the text was passed over.
func (e packedEnum) underlying(ast *cc.AST) *types.Type {
	var least, most int64
	found := false
	for _, name := range e.names {
		for _, n := range ast.Scope.Nodes[name] {
			if c, ok := n.(*cc.Enumerator); ok {
				v, _ := integer(c.Value())
				least, most, found = min(least, v), max(most, v), true
			}
		}
	}
	if !found {
		return nil
	}
	size := uint32(1)
	signed := least < 0
	for size < 8 && (signed && (least < -1<<(8*size-1) || most >= 1<<(8*size-1)) || !signed && most >= 1<<(8*size)) {
		size *= 2
	}
	return types.IntType(size, signed)
}

// insert is text to be put in at an offset.
type insert struct {
	at   int
	text string
}

// served is the text of a header or unit as the front end gets it.
func (t *tree) served(name, text string) string {
	if isSystem(name) && name[0] != '<' {
		text = strings.ReplaceAll(text, "<stdint.h>", "<"+libcStdint+">")
	}
	text = withoutEmpty(text)
	if t.opt.bodies {
		var tags []string
		tags, text = relocatable(text)
		for _, tag := range tags {
			if t.relocatable == nil {
				t.relocatable = map[string]bool{}
			}
			t.relocatable[tag] = true
		}
	}
	list := t.inserts[name]
	for i := len(list) - 1; i >= 0; i-- {
		text = text[:list[i].at] + list[i].text + text[list[i].at:]
	}
	return text
}
