package types

// Promote is the smallest type that holds the values of both, or nil when there is none.
// An unknown cur (nil) takes what comes. It's what a variable, a map's key or value, the
// two sides of a comparison and the branches of a conditional become.
func Promote(cur, add *Type) *Type {
	switch {
	case cur == nil:
		return fresh(add)
	case Identical(cur, add):
		return mergeSame(cur, add)
	case cur.IsInt() && add.Castable() || cur.Castable() && add.IsInt():
		return promoteInt(cur, add)
	case !Compatible(cur, add):
		return nil
	}
	return promoteElem(cur, add)
}

// fresh is what a variable without a type becomes by its first value.
func fresh(t *Type) *Type {
	if t.Castable() {
		return IntType(8, t.Signed)
	}
	return t
}

// mergeSame joins what Identical overlooks: the first known address space stays, and a
// literal's sign is free only as long as all are literals.
func mergeSame(cur, add *Type) *Type {
	space := mergeSpace(cur.Space, add.Space)
	flex := cur.Flex && add.Flex
	if space == cur.Space && flex == cur.Flex {
		return cur
	}
	t := *cur
	t.Space, t.Flex = space, flex
	return &t
}

// mergeSpace: a pointer that is at times not one of the verifier's can't be loaded directly.
func mergeSpace(cur, add Space) Space {
	if cur == SpaceNone || cur == SpaceBTF && add == SpaceKernel {
		return add
	}
	return cur
}

// Compatible reports whether values of b can go where a's are, sizes of integers and
// strings aside.
func Compatible(a, b *Type) bool {
	if a.IsInt() && b.IsInt() {
		return true
	}
	if a.base() != b.base() {
		return false
	}
	switch a.Kind {
	case Struct, Kstack, Ustack, CgroupPath:
		return Identical(a, b)
	case Pointer:
		return Compatible(a.Elem, b.Elem)
	case Tuple, Record:
		return compatibleFields(a, b)
	case Array:
		return Identical(a.Elem, b.Elem) && (a.Size == 0 || b.Size == 0 || a.Size == b.Size)
	}
	return true
}

func compatibleFields(a, b *Type) bool {
	if len(a.Fields) != len(b.Fields) {
		return false
	}
	for i, f := range a.Fields {
		j := i
		if a.Kind == Record {
			var ok bool
			if j, ok = b.field(f.Name); !ok {
				return false
			}
		}
		if !Compatible(f.Type, b.Fields[j].Type) {
			return false
		}
	}
	return true
}

func promoteElem(cur, add *Type) *Type {
	switch {
	case cur.IsInt():
		return promoteInt(cur, add)
	case cur.Castable():
		if cur.Signed || !add.Signed {
			return cur
		}
		return add
	case cur.Kind == String, cur.Kind == Buf:
		t := *cur
		t.Size = max(cur.Size, add.Size)
		t.Space = mergeSpace(cur.Space, add.Space)
		return &t
	case cur.Kind == Pointer:
		elem := promoteElem(cur.Elem, add.Elem)
		if elem == nil {
			return nil
		}
		return PointerTo(elem, mergeSpace(cur.Space, add.Space))
	case cur.Kind == Tuple, cur.Kind == Record:
		return promoteFields(cur, add)
	}
	return cur
}

// promoteFields keeps the order of cur's fields.
func promoteFields(cur, add *Type) *Type {
	fields := make([]Field, len(cur.Fields))
	for i, f := range cur.Fields {
		j := i
		if cur.Kind == Record {
			j, _ = add.field(f.Name)
		}
		t := Promote(f.Type, add.Fields[j].Type)
		if t == nil {
			return nil
		}
		fields[i] = Field{Name: f.Name, Type: t}
	}
	return layOut(cur.Kind, fields)
}

// promoteInt: equal signs take the larger size. Of unequal signs the signed one has to be
// larger than the unsigned one, up to int64, which is also what int64 with uint64 gives.
// A literal takes the other's sign.
func promoteInt(cur, add *Type) *Type {
	size := max(intSize(cur), intSize(add))
	t := &Type{Kind: Int, Size: size, Signed: cur.Signed, Flex: cur.Flex && add.Flex,
		Space: mergeSpace(cur.Space, add.Space)}
	switch {
	case cur.Signed == add.Signed:
	case cur.Flex || add.Flex:
		t.Signed = !cur.Flex && cur.Signed || !add.Flex && add.Signed
	default:
		signed, unsigned := cur, add
		if add.Signed {
			signed, unsigned = add, cur
		}
		t.Signed = true
		if intSize(signed) <= intSize(unsigned) {
			t.Size = min(2*size, 8)
		}
	}
	return t
}

func intSize(t *Type) uint32 {
	if t.Castable() {
		return 8
	}
	return t.Size
}

// Fits reports whether every value of a is one of b's, too.
func Fits(a, b *Type) bool {
	if !Compatible(a, b) {
		return false
	}
	switch {
	case a.Kind == String:
		return a.Size <= b.Size
	case a.IsInt():
		if a.Signed == b.Signed || a.Flex {
			return a.Size <= b.Size
		}
		return !a.Signed && a.Size < b.Size
	case a.Kind == Tuple || a.Kind == Record:
		for i, f := range a.Fields {
			j := i
			if a.Kind == Record {
				j, _ = b.field(f.Name)
			}
			if !Fits(f.Type, b.Fields[j].Type) {
				return false
			}
		}
		return true
	}
	return Identical(a, b)
}

// litType is the type of a literal: the smallest signed one, whose sign is free when the
// value isn't negative; uint64 beyond int64.
func litType(v uint64, neg bool) *Type {
	t := IntType(8, true)
	switch s := int64(v); {
	case neg && s >= -1<<7 || !neg && v < 1<<7:
		t.Size = 1
	case neg && s >= -1<<15 || !neg && v < 1<<15:
		t.Size = 2
	case neg && s >= -1<<31 || !neg && v < 1<<31:
		t.Size = 4
	case !neg && v >= 1<<63:
		t.Signed = false
		return t
	}
	t.Flex = !neg
	return t
}

// holds reports whether integer type t has the value of a literal.
func holds(t *Type, v uint64, neg bool) bool {
	bits := 8 * t.Size
	if neg {
		return t.Signed && (bits == 64 || int64(v) >= -1<<(bits-1))
	}
	if t.Signed {
		bits--
	}
	return bits == 64 || v < 1<<bits
}

// truncate cuts v to integer type t and extends it by t's sign.
func truncate(v uint64, t *Type) uint64 {
	switch bits := 8 * t.Size; {
	case t.Kind == Bool:
		if v != 0 {
			return 1
		}
		return 0
	case bits >= 64 || bits == 0:
		return v
	case t.Signed:
		return uint64(int64(v<<(64-bits)) >> (64 - bits))
	default:
		return v & (1<<bits - 1)
	}
}
