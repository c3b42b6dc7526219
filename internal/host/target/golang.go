package target

import "debug/dwarf"

// goWords is the number of integer registers that an argument takes in Go's calling
// convention (cmd/compile/abi-internal.md): structs are passed field by field, so that a
// string has two. Floats have registers of their own; arrays are passed in memory.
func goWords(t dwarf.Type) int {
	switch u := underlying(t).(type) {
	case *dwarf.FloatType, *dwarf.ComplexType:
		return 0
	case *dwarf.StructType:
		n := 0
		for _, f := range u.Field {
			n += goWords(f.Type)
		}
		return n
	case *dwarf.ArrayType:
		if u.Count != 1 {
			return 0
		}
		return goWords(u.Type)
	}
	return 1
}
