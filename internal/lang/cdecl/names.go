package cdecl

import (
	"slices"
	"strings"
)

// needs are the names that preprocessed C text uses and doesn't define.
type needs struct {
	tags   []string // "struct sock", where it has to be complete
	types  []string // names that stand in the place of a type
	values []string // names in expressions: of types, enumerators or macros
	// macros are names that parentheses follow where C has no function: in a constant
	// expression, in the place of a member.
	macros []string
	// names are all names in the text, when functions' bodies are wanted.
	names map[string]bool
	asked []string // members that bpf_core_field_exists() asks for
}

// findNeeds finds the names. It knows less than a C parser, which would have to know the types
// to parse: a name stands in the place of a type if what's around it can't be otherwise.
func findNeeds(text string, bodies bool) needs {
	f := finder{declared: map[string]bool{}, used: map[string]bool{}}
	if bodies {
		f.needs.names = map[string]bool{}
	}
	s := scanner{text: text}
	for t := s.next(); t.kind != eof; t = s.next() {
		f.toks = append(f.toks, t)
		if bodies && t.kind == name {
			f.needs.names[t.text] = true
		}
	}
	f.declarations()
	if bodies {
		f.variables()
		f.askedFor()
	}
	for f.pos = 0; f.pos < len(f.toks); {
		f.step()
	}
	return f.needs
}

// finder walks over the tokens of preprocessed C text.
type finder struct {
	toks      []token
	pos       int
	parens    int             // open ones around pos
	braces    int             // open ones of structs and unions
	attribute bool            // in the parentheses of an attribute, or of asm
	body      bool            // in a function's body or an initializer
	tag       bool            // struct or union was seen, and not yet its brace
	declared  map[string]bool // "struct x", typedefs, enumerators
	used      map[string]bool // in needs already
	needs     needs
}

func (f *finder) at(i int) token {
	if i >= 0 && i < len(f.toks) {
		return f.toks[i]
	}
	return token{}
}

// declarations notes what the text itself declares, be it before or after its use.
func (f *finder) declarations() {
	for i := range f.toks {
		switch t := f.at(i); {
		case isTag(t):
			name := i + 1
			for f.at(name).is("__attribute__") {
				name = f.group(name + 1)
			}
			if f.at(name).kind != eof && f.at(name+1).is("{") {
				f.declared[t.text+" "+f.at(name).text] = true
			}
			if t.is("enum") && (f.at(name).is("{") || f.at(name+1).is("{")) {
				f.enumerators(name)
			}
		case t.is("typedef"):
			f.typedef(i + 1)
		}
	}
}

// askedFor notes the members that bpf_core_field_exists() asks for.
func (f *finder) askedFor() {
	for i := range f.toks {
		if !f.at(i).is(fieldExists) {
			continue
		}
		for j, end := i+1, f.group(i+1); j < end; j++ {
			if t := f.at(j); t.kind == name && (f.at(j-1).is("->") || f.at(j-1).is(".")) {
				f.needs.asked = append(f.needs.asked, t.text)
			}
		}
	}
}

// variables notes the names of variables, parameters and functions, as far as that can be seen
// without knowing the types: a name that a word stands before.
func (f *finder) variables() {
	var open []bool  // braces, whether they're of a struct
	members := false // the last closed one was
	for i := range f.toks {
		switch t := f.at(i); {
		case t.is("{"):
			open = append(open, isTag(f.at(i-1)) || isTag(f.at(i-2)))
			continue
		case t.is("}") && len(open) > 0:
			members = open[len(open)-1]
			open = open[:len(open)-1]
			continue
		case t.kind != name || keywords[t.text]:
			continue
		}
		j := i - 1
		for f.at(j).is("*") {
			j--
		}
		before, next := f.at(j), f.at(i+1)
		pointer := j < i-1
		if members && before.is("}") && (next.is("__attribute__") || next.is("=") || next.is(";") || next.is("[")) {
			f.declared[f.at(i).text] = true // of a struct that's defined with it
			continue
		}
		if before.kind != name || exprWords[before.text] || before.is("return") || before.is("case") || before.is("else") ||
			before.is("goto") || isTag(before) || pointer && !isTag(f.at(j-1)) && !keywords[before.text] {
			continue
		}
		if next.is("=") || next.is(";") || next.is(",") || next.is(")") || next.is("[") || next.is("(") || next.is(":") || next.is("__attribute__") {
			f.declared[f.at(i).text] = true
		}
	}
}

func isTag(t token) bool { return t.is("struct") || t.is("union") || t.is("enum") }

// enumerators notes those of an enum at or before whose brace i stands.
func (f *finder) enumerators(i int) {
	for !f.at(i).is("{") {
		i++
	}
	for end := f.group(i); i < end; i++ {
		if (f.at(i).is("{") || f.at(i).is(",")) && f.at(i+1).kind == name {
			f.declared[f.at(i+1).text] = true
		}
	}
}

// typedef notes the names that the typedef at i declares.
func (f *finder) typedef(i int) {
	for i < len(f.toks) && !f.at(i).is(";") {
		t, next := f.at(i), f.at(i+1)
		switch {
		case t.is("{"), t.is("["):
			i = f.group(i)
			continue
		case t.is("("): // a declarator in parentheses, or parameters
			if before := f.at(i - 1); before.is(")") || before.kind == name && !next.is("*") && !next.is("(") {
				i = f.group(i)
				continue
			}
		case t.kind == name && (next.is(";") || next.is(",") || next.is("[") || next.is(")") || next.is("(") || next.is("__attribute__")):
			f.declared[t.text] = true
		}
		i++
	}
}

// group is the index behind the bracket that closes the one at i.
func (f *finder) group(i int) int {
	depth := 0
	for ; i < len(f.toks); i++ {
		switch t := f.at(i); {
		case t.is("("), t.is("["), t.is("{"):
			depth++
		case t.is(")"), t.is("]"), t.is("}"):
			if depth--; depth <= 0 {
				return i + 1
			}
		case depth == 0:
			return i
		}
	}
	return i
}

// step passes one thing of a declaration.
func (f *finder) step() {
	t := f.at(f.pos)
	f.pos++
	switch {
	case isTag(t):
		f.tagged(t)
	case t.is("("):
		f.parens++
	case t.is(")"):
		f.parens--
	case t.is("{"):
		before := f.at(f.pos - 2)
		body := !f.tag && (before.is(")") || before.is("=")) // a function's, or an initializer
		f.tag = false
		if body {
			f.body = true
			f.expr(f.group(f.pos - 1))
			f.body = false
			break
		}
		f.braces++
	case t.is("}"):
		f.parens, f.tag = 0, false
		f.braces = max(f.braces-1, 0)
	case t.is(";"):
		f.parens, f.tag = 0, false
	case t.is("["):
		f.expr(f.group(f.pos - 1))
	case t.is("="), t.is(":"):
		f.expr(f.value())
	case exprWords[t.text]:
		f.attribute = strings.Contains(t.text, "attribute") || strings.Contains(t.text, "asm")
		f.expr(f.group(f.pos))
		f.attribute = false
	case t.kind == name:
		f.word(t)
	}
}

// exprWords have expressions in the parentheses behind them.
var exprWords = words(`__attribute__ _Alignas _Alignof __alignof__ alignof sizeof typeof __typeof__ __typeof
	_Static_assert static_assert asm __asm__ __asm`)

// value is where the value ends that begins at pos: an enumerator's, a bit-field's width.
func (f *finder) value() int {
	i := f.pos
	for i < len(f.toks) {
		switch t := f.at(i); {
		case t.is("("), t.is("["), t.is("{"):
			i = f.group(i)
			continue
		case t.is(","), t.is(";"), t.is("}"), t.is(")"):
			return i
		}
		i++
	}
	return i
}

// tagged passes the tag behind struct, union or enum.
func (f *finder) tagged(word token) {
	for f.at(f.pos).is("__attribute__") {
		f.pos = f.group(f.pos + 1)
	}
	f.tag = true
	t := f.at(f.pos)
	if t.kind != name {
		return
	}
	f.pos++
	switch next := f.at(f.pos); {
	case next.is("{"):
		if word.is("enum") {
			f.enumBody()
		}
	case next.is("*") && !word.is("enum") && f.needs.names == nil, next.is(";"):
		f.tag = false
	default:
		f.tag = false
		f.need(&f.needs.tags, word.text+" "+t.text)
	}
}

// enumBody passes `{ A, B = 2 }`.
func (f *finder) enumBody() {
	end := f.group(f.pos)
	for f.pos++; f.pos < end-1; {
		if t := f.at(f.pos); t.is("=") {
			f.pos++
			f.expr(f.value())
			continue
		}
		f.pos++
	}
	f.pos = end
	f.tag = false
}

// word passes a name in a declaration.
func (f *finder) word(t token) {
	if keywords[t.text] || !f.beginsType(f.pos-2) {
		return
	}
	next := f.at(f.pos)
	switch {
	case next.is("(") && f.braces > 0 && f.parens == 0 && !f.at(f.pos+1).is("*"):
		f.need(&f.needs.macros, t.text)
		f.expr(f.group(f.pos))
	case next.kind == name && !exprWords[next.text], next.is("*"), next.is("__attribute__"),
		next.is("(") && f.at(f.pos+1).is("*"),
		next.is(":") && f.parens == 0,
		f.parens > 0 && (next.is(",") || next.is(")")):
		f.need(&f.needs.types, t.text)
	}
}

// beginsType reports whether a type may begin behind the token at i.
func (f *finder) beginsType(i int) bool {
	t := f.at(i)
	return t.kind == eof || t.is(";") || t.is("{") || t.is("}") || t.is("(") || t.is(",") && f.parens > 0 ||
		qualifiers[t.text] || t.is(")")
}

// expr passes an expression or a function's body up to a token.
func (f *finder) expr(end int) {
	depth := 0
	for ; f.pos < end; f.pos++ {
		t := f.at(f.pos)
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case f.attribute && depth < 3: // an attribute's own name
		case isTag(t) && f.at(f.pos+1).kind == name && (!f.at(f.pos+2).is("*") || f.needs.names != nil):
			f.need(&f.needs.tags, t.text+" "+f.at(f.pos+1).text)
		case t.kind != name || keywords[t.text] || exprWords[t.text] || isTag(f.at(f.pos-1)) ||
			f.at(f.pos-1).is(".") || f.at(f.pos-1).is("->"):
		case f.at(f.pos + 1).is("("):
			if !f.body && !f.attribute && !strings.HasPrefix(t.text, "__builtin_") {
				f.need(&f.needs.macros, t.text)
			}
		case f.at(f.pos+1).kind == name && f.beginsType(f.pos-1):
			f.need(&f.needs.types, t.text)
		default:
			f.need(&f.needs.values, t.text)
		}
	}
	f.pos = max(f.pos, end)
}

// need adds a name to a list, once and if the text doesn't declare it.
func (f *finder) need(list *[]string, name string) {
	if !f.declared[name] && !f.used[name] && !slices.Contains(*list, name) {
		f.used[name] = true
		*list = append(*list, name)
	}
}

// qualifiers are words that may stand before a type.
var qualifiers = words(`const volatile restrict __restrict __restrict__ __const __volatile__ register auto
	_Noreturn __extension__ inline __inline __inline__ typedef extern static _Thread_local __thread _Atomic`)

// keywords are the words of C that are no names.
var keywords = words(`const volatile restrict __restrict __restrict__ __const __volatile__ register auto
	_Noreturn __extension__ inline __inline __inline__ typedef extern static _Thread_local __thread _Atomic
	void char short int long float double signed unsigned __signed__ __signed _Bool __int128 _Complex
	_Float16 _Float32 _Float64 _Float128 _Float32x _Float64x __float128 __int128_t __uint128_t
	struct union enum if else for while do switch case default return break continue goto
	__auto_type __builtin_va_list __builtin_offsetof __builtin_types_compatible_p __func__ __FUNCTION__ _Generic`)
