package btf

import "fmt"

// Kind is a BTF_KIND_… (include/uapi/linux/btf.h).
type Kind uint8

// The kinds.
const (
	KindVoid Kind = iota
	KindInt
	KindPtr
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDatasec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64
	NumKinds
)

// headWords are the words of a struct btf_type: name_off, info, and size or type.
const headWords = 3

// form is what a kind's record has: words behind struct btf_type, and for each of vlen;
// which of them are types, and which are names.
type form struct {
	name       string
	fixed      uint8 // words behind the head
	each       uint8 // words of each member, parameter, enumerator or variable
	ref        bool  // the head's third word is a type
	eachName   bool  // the first word of each is a name
	eachRef    uint8 // which word of each is a type, from 1 on; 0: none
	composite  bool
	qualifies  bool // const, volatile, restrict, typedef and type tags: what values are doesn't change
	enumerates bool
}

// forms are the kinds' layouts. An array's types stand in its fixed words.
var forms = [NumKinds]form{
	KindVoid:      {name: "void"},
	KindInt:       {name: "int", fixed: 1},
	KindPtr:       {name: "pointer", ref: true},
	KindArray:     {name: "array", fixed: 3},
	KindStruct:    {name: "struct", each: 3, eachName: true, eachRef: 2, composite: true},
	KindUnion:     {name: "union", each: 3, eachName: true, eachRef: 2, composite: true},
	KindEnum:      {name: "enum", each: 2, eachName: true, enumerates: true},
	KindFwd:       {name: "forward declaration"},
	KindTypedef:   {name: "typedef", ref: true, qualifies: true},
	KindVolatile:  {name: "volatile", ref: true, qualifies: true},
	KindConst:     {name: "const", ref: true, qualifies: true},
	KindRestrict:  {name: "restrict", ref: true, qualifies: true},
	KindFunc:      {name: "function", ref: true},
	KindFuncProto: {name: "function prototype", each: 2, ref: true, eachName: true, eachRef: 2},
	KindVar:       {name: "variable", fixed: 1, ref: true},
	KindDatasec:   {name: "section", each: 3, eachRef: 1},
	KindFloat:     {name: "float"},
	KindDeclTag:   {name: "declaration tag", fixed: 1, ref: true},
	KindTypeTag:   {name: "type tag", ref: true, qualifies: true},
	KindEnum64:    {name: "enum64", each: 3, eachName: true, enumerates: true},
}

// String is the kind as C calls it.
func (k Kind) String() string {
	if k >= NumKinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return forms[k].name
}

// Composite reports whether the kind has members: struct and union.
func (k Kind) Composite() bool { return forms[k].composite }

// Enum reports whether the kind is an enum of 32 or of 64 bits.
func (k Kind) Enum() bool { return forms[k].enumerates }

// Qualifies reports whether the kind only names or qualifies another type: typedef, const,
// volatile, restrict and type tags.
func (k Kind) Qualifies() bool { return forms[k].qualifies }

// Bare reports whether records of the kind have nothing behind struct btf_type.
func (k Kind) Bare() bool { return bareKinds>>k&1 != 0 }

// bareKinds is the set of them. TestBareKinds compares it with forms.
const bareKinds = 1<<KindVoid | 1<<KindPtr | 1<<KindFwd | 1<<KindTypedef | 1<<KindVolatile | 1<<KindConst | 1<<KindRestrict |
	1<<KindFunc | 1<<KindFloat | 1<<KindTypeTag

// KindOf is the kind that a record's info word tells; NumKinds and above are unknown.
func KindOf(info uint32) Kind { return Kind(info >> 24 & 0x1f) }

// RecordLen is the bytes of a record with this info word, whose kind must be known.
func RecordLen(info uint32) int {
	f := &forms[KindOf(info)]
	return 4 * (headWords + int(f.fixed) + int(f.each)*int(info&0xffff))
}
