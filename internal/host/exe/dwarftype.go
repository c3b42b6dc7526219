package exe

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"strings"
)

// Type finds a type by its name in the debug information: "struct s", "union u", "enum e" or a
// typedef's name. ok is false when there's none.
func (f *File) Type(name string) (t dwarf.Type, ok bool, err error) {
	var bad error
	err = f.units(func(d *dwarf.Data) bool {
		t, ok, bad = f.typeIn(d, name)
		return !ok && bad == nil
	})
	return t, ok, errors.Join(err, bad)
}

func (f *File) typeIn(d *dwarf.Data, name string) (t dwarf.Type, ok bool, err error) {
	tag, plain := dwarf.TagTypedef, name
	for word, of := range map[string]dwarf.Tag{
		"struct ": dwarf.TagStructType, "union ": dwarf.TagUnionType, "enum ": dwarf.TagEnumerationType,
	} {
		if rest, found := strings.CutPrefix(name, word); found {
			tag, plain = of, rest
		}
	}
	r := d.Reader()
	for {
		e, err := r.Next()
		switch {
		case err != nil:
			return nil, false, fmt.Errorf("read debug information of %s: %w", f.Path, err)
		case e == nil:
			return nil, false, nil
		case e.Tag == tag && e.Val(dwarf.AttrName) == plain && e.Val(dwarf.AttrDeclaration) == nil:
			if t, err = d.Type(e.Offset); err != nil {
				return nil, false, fmt.Errorf("read debug information of %s: %w", f.Path, err)
			}
			return t, true, nil
		case e.Tag != dwarf.TagCompileUnit:
			r.SkipChildren()
		}
	}
}
