package cdecl

import (
	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// member is x.m.
func (b *bodies) member(n *cc.PostfixExpression, x ctree.Expr) ctree.Expr {
	f := n.Field()
	if f == nil || f.Parent() != nil && f.Parent().Name() != "" {
		b.fail(diag.CodeCType, n, "`%s` has no member `%s`", n.PostfixExpression.Type(), n.Token2.SrcStr())
	}
	m := &ctree.Member{Node: ctree.Node{Span: b.at(n)}, X: x, T: b.typ(n, f.Type())}
	if d := f.Type().Typedef(); d != nil && d.Name() == absentType {
		return &ctree.Absent{Node: m.Node, Name: f.Name(), T: m.T}
	}
	if tag := b.relocatable(n); tag != "" {
		return b.relocated(n, m, tag, f.Name())
	}
	m.Off = f.Offset() // also of an anonymous struct's members, from the struct around it
	if f.IsBitfield() {
		m.BitField = b.bitField(n, f)
	}
	return m
}

// relocatable is the struct that a member is taken of, if the kernel says where its members are.
func (b *bodies) relocatable(n *cc.PostfixExpression) string {
	t := n.PostfixExpression.Type().Undecay()
	if p, ok := t.(*cc.PointerType); ok {
		t = p.Elem()
	}
	s, ok := t.(compound)
	if !ok {
		return ""
	}
	word := "struct "
	if t.Kind() == cc.Union {
		word = "union "
	}
	name := s.Tag()
	if tag := word + name.SrcStr(); b.scope.tree.relocatable[tag] {
		return kernelTag(tag)
	}
	return ""
}

// relocated is a member where the kernel has it.
func (b *bodies) relocated(n *cc.PostfixExpression, m *ctree.Member, tag, name string) ctree.Expr {
	var sel *types.Selection
	if b.scope.opt.Lookup != nil {
		if t, ok := b.scope.opt.Lookup(tag); ok && t.S != nil {
			sel = types.Select(t.S, kernelTag(name))
		}
	}
	if sel == nil {
		return &ctree.Absent{Node: m.Node, Name: name, T: m.T}
	}
	m.Off = int64(sel.Offset)
	if f := sel.Field; f.BitLen > 0 {
		m.BitField = ctree.BitField{BitOff: f.BitOff, Bits: f.BitLen, Unit: uint8(f.Type.Size)}
		return m
	}
	if m.T.Scalar() && m.T.Size != sel.Field.Type.Size && sel.Field.Type.Size <= 8 && sel.Field.Type.Size > 0 {
		b.fail(diag.CodeCType, n, "`%s` has %d bytes in this kernel, not %d", name, sel.Field.Type.Size, m.T.Size)
	}
	return m
}

// bitField is where a bit-field's bits are.
func (b *bodies) bitField(n cc.Node, f *cc.Field) ctree.BitField {
	bits := ctree.BitField{BitOff: uint8(f.OffsetBits()), Bits: uint8(f.ValueBits()), Unit: uint8(f.AccessBytes())}
	if size := bits.Unit; size&(size-1) != 0 || size > 8 || bits.BitOff+bits.Bits > 8*size {
		b.unsupported(n, "a bit-field across the border of a unit")
	}
	return bits
}
