package cdecl

import (
	"encoding/binary"
	"slices"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// globalDecl takes in a declaration of the file.
func (b *bodies) globalDecl(n *cc.Declaration) {
	if n.Case != cc.DeclarationDecl {
		return
	}
	for l := n.InitDeclaratorList; l != nil; l = l.InitDeclaratorList {
		d := l.InitDeclarator.Declarator
		attr := attributesOf(n.DeclarationSpecifiers, l.InitDeclarator)
		switch {
		case d.IsTypename():
		case d.Type().Kind() == cc.Function:
			b.function(d, attr)
		default:
			b.global(l.InitDeclarator, d, attr)
		}
	}
}

// global is a variable of the file, or of a function that calls it static.
func (b *bodies) global(n *cc.InitDeclarator, d *cc.Declarator, attr attrs) {
	section := attr["section"]
	if section == ".maps" {
		b.vars[d] = b.mapVar(d)
		return
	}
	v := &ctree.Var{Name: d.Name(), Type: b.typ(d, d.Type()), Span: b.at(d), Static: true, ReadOnly: isConst(d)}
	switch {
	case section == ".ksyms":
		v.Kernel, v.Weak = true, attr.has("weak")
	case section == ".kconfig":
		b.unsupported(d, "a variable of the kernel's configuration")
	case d.IsExtern() && n.Initializer == nil:
		if b.globalNamed(d) == nil && !isSystem(fileOf(d)) {
			b.unsupported(d, "a variable of another file")
		}
		return
	case v.Type.Size == 0 && !isSystem(fileOf(d)):
		b.fail(diag.CodeCType, d, "the size of `%s` isn't known", d.Name())
	}
	if d.LexicalScope().Parent == nil {
		if old := b.globalNamed(d); old != nil && (old.Data == nil || n.Initializer == nil) { // tentative
			v = old
		}
	}
	b.vars[d] = v // also if its first value is wrong: what uses it isn't
	if n.Initializer != nil {
		v.Data = make([]byte, v.Type.Size)
		for _, i := range b.inits(n.Initializer, nil) {
			b.setData(d, v.Data, i)
		}
	}
}

// isConst reports whether nothing may change a variable.
func isConst(d *cc.Declarator) bool {
	t := d.Type()
	for a, ok := t.(*cc.ArrayType); ok; a, ok = t.(*cc.ArrayType) {
		t = a.Elem()
	}
	if _, pointer := t.(*cc.PointerType); pointer {
		return t.Attributes() != nil && t.Attributes().IsConst()
	}
	return d.IsConst() || t.Attributes() != nil && t.Attributes().IsConst()
}

// setData puts a constant into a variable's first bytes.
func (b *bodies) setData(n cc.Node, data []byte, i ctree.Init) {
	if v, ok := i.X.(*ctree.VarRef); ok && v.Var.ReadOnly && v.Var.Data != nil && i.T.Kind == ctree.Array {
		copy(data[i.Off:i.Off+int64(i.T.Size)], v.Var.Data)
		return
	}
	k, ok := i.X.(*ctree.Const)
	if !ok {
		b.failed = true
		b.rep.Errorf(diag.CodeCSyntax, i.X.Where(), "the first value of what lives on has to be a constant number")
		panic(stopped{})
	}
	size, val := int64(i.T.Size), k.Val
	at := data[i.Off:]
	if i.Bits > 0 {
		size = int64(i.Unit)
		var old [8]byte
		copy(old[:], at[:size])
		mask := uint64(1)<<i.Bits - 1
		if i.Bits == 64 {
			mask = ^uint64(0)
		}
		val = int64(binary.LittleEndian.Uint64(old[:])&^(mask<<i.BitOff) | uint64(val)&mask<<i.BitOff)
	}
	var bytes [8]byte
	binary.LittleEndian.PutUint64(bytes[:], uint64(val))
	copy(at[:size], bytes[:])
}

// localDecl are the declarations of a block.
func (b *bodies) localDecl(n *cc.Declaration) (out []ctree.Stmt) {
	switch n.Case {
	case cc.DeclarationAssert:
		return nil
	case cc.DeclarationAuto:
		return []ctree.Stmt{b.local(n.Declarator, n.Initializer)}
	}
	for l := n.InitDeclaratorList; l != nil; l = l.InitDeclaratorList {
		d := l.InitDeclarator.Declarator
		attr := attributesOf(n.DeclarationSpecifiers, l.InitDeclarator)
		switch {
		case d.IsTypename():
		case d.Type().Kind() == cc.Function:
			b.function(d, attr)
		case d.IsStatic() || d.IsExtern():
			b.global(l.InitDeclarator, d, attr)
		default:
			out = append(out, b.local(d, l.InitDeclarator.Initializer))
		}
	}
	return out
}

// local is a variable of a block.
func (b *bodies) local(d *cc.Declarator, init *cc.Initializer) ctree.Stmt {
	v := &ctree.Var{Name: d.Name(), Span: b.at(d), ReadOnly: isConst(d)}
	b.vars[d] = v
	v.Type = b.typ(d, d.Type())
	out := &ctree.Decl{Node: b.node(d), Var: v}
	if init != nil {
		out.Set, out.Init = true, b.inits(init, nil)
	}
	if v.Type.Size == 0 && v.Type.Kind != ctree.Struct {
		b.fail(diag.CodeCType, d, "the size of `%s` isn't known", d.Name())
	}
	if a := d.Type().Attributes(); a != nil && a.Aligned() > 0 {
		v.Align = uint32(min(a.Aligned(), 8))
	}
	return out
}

// inits are what an initializer sets, in order.
func (b *bodies) inits(n *cc.Initializer, out []ctree.Init) []ctree.Init {
	if n.Case == cc.InitializerInitList {
		b.checkNamed(n.InitializerList, n.Type(), n.Offset())
		for l := n.InitializerList; l != nil; l = l.InitializerList {
			out = b.inits(l.Initializer, out)
		}
		return out
	}
	i := ctree.Init{Off: n.Offset(), T: b.typ(n, n.Type())}
	if f := n.Field(); f != nil && f.IsBitfield() {
		i.BitField = b.bitField(n, f)
	}
	x := b.object(n.AssignmentExpression)
	if i.T.Kind == ctree.Array {
		v, ok := x.(*ctree.VarRef)
		if !ok || !v.Var.ReadOnly || v.Var.Data == nil {
			b.fail(diag.CodeCSyntax, n, "an array is set by a list or a string")
		}
		i.X = x
		return append(out, i)
	}
	i.X = b.coerce(n.AssignmentExpression, b.decay(n, x), i.T)
	for k := range n.Len() {
		one := i
		one.Off += k * int64(i.T.Size)
		out = append(out, one)
	}
	return out
}

// checkNamed refuses values without a name for a struct that stands for the kernel's, which has
// only the members that the text names, in an order of its own. All zero is {} or {0}. The list
// is of a t at offset base.
func (b *bodies) checkNamed(l *cc.InitializerList, t cc.Type, base int64) {
	if l == nil || b.isKernels(t) && l.InitializerList == nil && l.Designation == nil && isZeroInit(l.Initializer) {
		return
	}
	for ; l != nil; l = l.InitializerList {
		i := l.Initializer
		if l.Designation != nil || i.Case != cc.InitializerExpr {
			if l.Designation == nil && b.isKernels(t) {
				b.unnamed(l)
			}
			continue
		}
		if k := i.AssignmentExpression.Type().Kind(); k != cc.Struct && k != cc.Union && b.inKernels(t, i.Offset()-base) {
			b.unnamed(l)
		}
	}
}

func (b *bodies) unnamed(n cc.Node) {
	b.fail(diag.CodeCSyntax, n, "the members of a struct of the kernel are set by their names: `.name = …`")
}

func isZeroInit(i *cc.Initializer) bool {
	if i.Case != cc.InitializerExpr {
		return false
	}
	v, ok := integer(i.AssignmentExpression.Value())
	return ok && v == 0
}

// isKernels reports whether a struct stands for one of the kernel's.
func (b *bodies) isKernels(t cc.Type) bool {
	s, ok := t.(compound)
	if !ok {
		return false
	}
	tag, word := s.Tag(), "struct "
	if t.Kind() == cc.Union {
		word = "union "
	}
	return b.scope.prelude.types[word+tag.SrcStr()] != nil
}

// inKernels reports whether byte off of a t is in a struct of the kernel.
func (b *bodies) inKernels(t cc.Type, off int64) bool {
	if b.isKernels(t) {
		return true
	}
	switch t := t.(type) {
	case *cc.ArrayType:
		if size := t.Elem().Size(); size > 0 {
			return b.inKernels(t.Elem(), off%size)
		}
	case compound:
		for i := range t.NumFields() {
			if f := t.FieldByIndex(i); f.Offset() <= off && off < f.Offset()+f.Type().Size() && b.inKernels(f.Type(), off-f.Offset()) {
				return true
			}
		}
	}
	return false
}

// compoundLit is (type){ … }.
func (b *bodies) compoundLit(n *cc.PostfixExpression) ctree.Expr {
	t := b.typ(n, n.TypeName.Type())
	out := &ctree.CompoundLit{Node: b.node(n)}
	b.checkNamed(n.InitializerList, n.TypeName.Type(), 0)
	for l := n.InitializerList; l != nil; l = l.InitializerList {
		out.Init = b.inits(l.Initializer, out.Init)
	}
	if t.Size == 0 {
		t = b.typ(n, n.Type())
	}
	out.Var = &ctree.Var{Name: "literal", Type: t, Span: out.Span}
	return out
}

// mapTypes are the types of maps (enum bpf_map_type) that programs use by themselves: hashes,
// arrays, stack traces, tries, queues, stacks, ring buffers and bloom filters. Others take user
// space to fill or to read them.
var mapTypes = []uint32{1, 2, 5, 6, 7, 9, 10, 11, 22, 23, 27, 30}

// mapVar is the definition of a map: the members of its struct say what it is.
func (b *bodies) mapVar(d *cc.Declarator) *ctree.Var {
	s, ok := d.Type().(*cc.StructType)
	if !ok {
		b.unsupported(d, "this definition of a map")
	}
	m := &ctree.Map{}
	for i := range s.NumFields() {
		f := s.FieldByIndex(i)
		p, ok := f.Type().(*cc.PointerType)
		if !ok {
			b.unsupported(d, "a map defined without __uint() and __type()")
		}
		n := uint32(0)
		if a, ok := p.Elem().(*cc.ArrayType); ok {
			n = uint32(a.Len())
		}
		size := uint32(max(p.Elem().Size(), 0))
		switch f.Name() {
		case "type":
			m.Type = n
		case "max_entries":
			m.MaxEntries = n
		case "map_flags":
			m.Flags = n
		case "key_size":
			m.KeySize = n
		case "value_size":
			m.ValueSize = n
		case "key":
			m.KeySize = size
		case "value":
			m.ValueSize = size
		default:
			b.unsupported(d, "`%s` of a map", f.Name())
		}
	}
	if !slices.Contains(mapTypes, m.Type) {
		b.unsupported(d, "a map of type %d", m.Type)
	}
	return &ctree.Var{Name: d.Name(), Type: b.typ(d, d.Type()), Span: b.at(d), Static: true, Map: m}
}
