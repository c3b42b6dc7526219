package btf

// ID numbers a type; 0 is void.
type ID uint32

// Record is a type's record as words: struct btf_type and what follows it. Its names are
// those of a Strings. Writing to it changes the Types that it's from. The zero Record is void.
type Record []uint32

// Linkages of functions (BTF_FUNC_…) and variables (BTF_VAR_…).
const (
	LinkStatic = 0
	LinkGlobal = 1
	LinkExtern = 2
)

// Kind is the type's kind.
func (r Record) Kind() Kind {
	if r == nil {
		return KindVoid
	}
	return KindOf(r[1])
}

// Name is the type's name, 0 for none.
func (r Record) Name() Name {
	if r == nil {
		return 0
	}
	return Name(r[0])
}

// Flag is kind_flag: bit-fields in a struct, signed in an enum, union of a forward declaration.
func (r Record) Flag() bool { return r != nil && r[1]>>31 != 0 }

// Len is the number of members, parameters, enumerators or variables; 0 for other kinds.
func (r Record) Len() int {
	if r == nil || forms[r.Kind()].each == 0 {
		return 0
	}
	return int(r[1] & 0xffff)
}

// Size is the size in bytes that the record of an int, enum, float, struct, union or section tells.
func (r Record) Size() uint32 {
	if r == nil || forms[r.Kind()].ref {
		return 0
	}
	return r[2]
}

// Ref is what a pointer, typedef, qualifier, function, variable or tag is of, and what a
// prototype returns; 0 for other kinds.
func (r Record) Ref() ID {
	if r == nil || !forms[r.Kind()].ref {
		return 0
	}
	return ID(r[2])
}

// Linkage is a function's or variable's linkage.
func (r Record) Linkage() uint32 {
	if r.Kind() == KindFunc {
		return r[1] & 0xffff
	}
	return r[headWords]
}

// Array is an array's element type, index type and length.
func (r Record) Array() (elem, index ID, n uint32) { return ID(r[3]), ID(r[4]), r[5] }

// part is the i-th member, parameter, enumerator or variable.
func (r Record) part(i int) []uint32 {
	f := &forms[r.Kind()]
	at := headWords + int(f.fixed) + i*int(f.each)
	return r[at : at+int(f.each)]
}

// Member is a struct's or union's i-th member; bits is a bit-field's width, else 0.
func (r Record) Member(i int) (name Name, typ ID, bit, bits uint32) {
	p := r.part(i)
	bit = p[2]
	if r.Flag() {
		bit, bits = bit&0xffffff, bit>>24
	}
	return Name(p[0]), ID(p[1]), bit, bits
}

// Param is a prototype's i-th parameter.
func (r Record) Param(i int) (Name, ID) { p := r.part(i); return Name(p[0]), ID(p[1]) }

// SetParamName names a prototype's i-th parameter.
func (r Record) SetParamName(i int, n Name) { r.part(i)[0] = uint32(n) }

// Enumerator is an enum's i-th name and value.
func (r Record) Enumerator(i int) (Name, uint64) {
	p := r.part(i)
	if r.Kind() == KindEnum64 {
		return Name(p[0]), uint64(p[1]) | uint64(p[2])<<32
	}
	if r.Flag() {
		return Name(p[0]), uint64(int64(int32(p[1])))
	}
	return Name(p[0]), uint64(p[1])
}

// SecVar is a section's variable or function.
type SecVar struct {
	Type         ID
	Offset, Size uint32
}

// Var is a section's i-th variable.
func (r Record) Var(i int) SecVar { p := r.part(i); return SecVar{ID(p[0]), p[1], p[2]} }

// IntEncoding are an int's bits: BTF_INT_SIGNED 1, BTF_INT_CHAR 2, BTF_INT_BOOL 4; offset is
// that of an old compiler's bit-field.
func (r Record) IntEncoding() (encoding, offset uint32) {
	return r[headWords] >> 24 & 0xf, r[headWords] >> 16 & 0xff
}

// refs calls f with each word that is a type.
func (r Record) refs(f func(*uint32)) {
	form := &forms[r.Kind()]
	if form.ref {
		f(&r[2])
	}
	if r.Kind() == KindArray {
		f(&r[3])
		f(&r[4])
	}
	if form.eachRef == 0 {
		return
	}
	for i := headWords + int(form.fixed) + int(form.eachRef) - 1; i < len(r); i += int(form.each) {
		f(&r[i])
	}
}

// names calls f with each word that is a name.
func (r Record) names(f func(*uint32)) {
	f(&r[0])
	form := &forms[r.Kind()]
	if !form.eachName {
		return
	}
	for i := headWords + int(form.fixed); i < len(r); i += int(form.each) {
		f(&r[i])
	}
}

// NewSection makes a section's record.
func NewSection(name Name, size uint32, vars []SecVar) Record {
	r := Record{uint32(name), uint32(KindDatasec)<<24 | uint32(len(vars)), size}
	for _, v := range vars {
		r = append(r, uint32(v.Type), v.Offset, v.Size)
	}
	return r
}

// WithMembers is a struct's or union's record with only the members that keep wants.
func (r Record) WithMembers(keep func(i int) bool) Record {
	s := append(Record(nil), r[:headWords]...)
	n := uint32(0)
	for i := range r.Len() {
		if keep(i) {
			s = append(s, r.part(i)...)
			n++
		}
	}
	s[1] = s[1]&^0xffff | n
	return s
}

// Refs calls f with each type that the record refers to.
func (r Record) Refs(f func(ID)) { r.refs(func(w *uint32) { f(ID(*w)) }) }

// looksEqual compares records without the types that they refer to.
func looksEqual(a, b Record) bool {
	if len(a) != len(b) || a == nil || a[0] != b[0] || a[1] != b[1] {
		return false
	}
	f := &forms[a.Kind()]
	if !f.ref && a[2] != b[2] {
		return false
	}
	if a.Kind() == KindArray {
		return a[5] == b[5]
	}
	parts, each, ref := headWords+int(f.fixed), max(int(f.each), 1), int(f.eachRef)-1
	for i := headWords; i < parts; i++ {
		if a[i] != b[i] {
			return false
		}
	}
	for i := parts; i < len(a); i += each {
		for j := range each {
			if j != ref && a[i+j] != b[i+j] {
				return false
			}
		}
	}
	return true
}
