package cdecl

import (
	"reflect"

	"modernc.org/cc/v4"
)

// enumerators are a text's enumerators and the enums that define them, wherever in it those
// stand: the front end has no way from one to the other.
func enumerators(ast *cc.AST) map[*cc.Enumerator]*cc.EnumType {
	found := map[*cc.Enumerator]*cc.EnumType{}
	// The list of declarations is as deep as it's long.
	for unit := ast.TranslationUnit; unit != nil; unit = unit.TranslationUnit {
		eachEnum(reflect.ValueOf(unit.ExternalDeclaration), func(n *cc.EnumSpecifier) {
			t, ok := n.Type().(*cc.EnumType)
			for list := n.EnumeratorList; list != nil && ok; list = list.EnumeratorList {
				found[list.Enumerator] = t
			}
		})
	}
	return found
}

// eachEnum calls f for the enums in a part of the syntax tree, whose parts are its exported
// pointers.
func eachEnum(part reflect.Value, f func(*cc.EnumSpecifier)) {
	if part.Kind() != reflect.Pointer || part.IsNil() || part.Elem().Kind() != reflect.Struct {
		return
	}
	if n, ok := part.Interface().(*cc.EnumSpecifier); ok {
		f(n)
	}
	for i := range part.Elem().NumField() {
		if field := part.Elem().Type().Field(i); field.IsExported() && !field.Anonymous {
			eachEnum(part.Elem().Field(i), f)
		}
	}
}
