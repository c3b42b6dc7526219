package types

import (
	"slices"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// mapKinds are the kinds of `let @m = kind(max)`.
func mapKinds() []string { return []string{"hash", "lruhash", "percpuhash", "percpulruhash"} }

// declare reads the constants, map declarations and the signatures of functions.
func (c *checker) declare(script []syntax.Decl) {
	for _, d := range script {
		if f, ok := d.(*syntax.Func); ok {
			c.declareFunc(f) // constants tell of them that they can't call them
		}
	}
	for _, d := range script {
		switch d := d.(type) {
		case *syntax.Const:
			c.declareConst(d)
		case *syntax.MapDecl:
			c.declareMap(d)
		}
	}
}

func (c *checker) declareMap(d *syntax.MapDecl) {
	if old := c.maps[d.Name]; old != nil {
		c.warnf(diag.CodeMapRedeclared, d.Span(), "%s is already declared: this has no effect", d.Name).NoteAt(old.MapInfo.Decl, "here")
		return
	}
	m := &mapVar{MapInfo: &MapInfo{Name: d.Name, Decl: d.Span(), Kind: d.Kind.Name}, decl: d}
	c.maps[d.Name] = m
	c.mapList = append(c.mapList, m)
	if !contains(mapKinds(), d.Kind.Name) {
		e := c.errorf(diag.CodeUnknownType, d.Kind.Span(), "unknown kind of map: %s", d.Kind.Name).
			Note("there are hash, lruhash, percpuhash and percpulruhash")
		if near := nearest(d.Kind.Name, mapKinds()); near != "" {
			e.Suggest(near)
		}
	}
	t := c.expr(d.Max)
	k := c.info.Consts[d.Max.ID()]
	switch {
	case bad(t):
	case k == nil || k.IsStr || !t.IsInt():
		c.errorf(diag.CodeLiteral, d.Max.Span(), "the size of a map is a number that is known at compile time")
	case t.Signed && int64(k.Int) <= 0:
		c.errorf(diag.CodeRange, d.Max.Span(), "the size of a map is at least 1")
	default:
		m.Max = k.Int
	}
}

// pend notes that a value of type t, which is bad, was assigned.
func (m *mapVar) pend(t *Type) {
	m.failed = m.failed || t != nil
	m.waiting = m.waiting || t == nil
}

func (c *checker) declareFunc(d *syntax.Func) {
	f := &FuncInfo{Decl: d}
	if old := c.info.Func(d.Name.Name); old != nil {
		c.errorf(diag.CodeRedeclared, d.Name.Span(), "%s is already defined", d.Name.Name).NoteAt(old.Decl.Name.Span(), "here")
	} else {
		c.info.funcs[d.Name.Name] = f
	}
	c.info.Funcs = append(c.info.Funcs, f)
}

// mapKey types the key of an access and widens the map's key type by it.
func (c *checker) mapKey(e syntax.Expr, m *mapVar, args []syntax.Expr) {
	m.read = true
	t := c.keyType(args)
	if bad(t) {
		return
	}
	at := e.Span()
	if !c.validKey(t, at) {
		return
	}
	t = stored(t)
	up := Promote(m.Key, t)
	if up == nil {
		d := c.errorf(diag.CodeKey, at, "Argument mismatch for %s: trying to access with arguments: '%s' when map expects arguments: '%s'", m.Name, t, m.Key)
		if m.keyAt.IsValid() {
			d.NoteAt(m.keyAt, "it got its type here")
		}
		return
	}
	if m.Key == nil {
		m.keyAt = at
	}
	c.grow(&m.Key, up)
	var x syntax.Expr
	if len(args) == 1 {
		x = args[0]
	}
	if !c.assignable(x, t, m.Key) {
		c.errorf(diag.CodeKey, at, "Argument mismatch for %s: trying to access with arguments: '%s' when map expects arguments: '%s'", m.Name, t, m.Key)
	}
}

// keyType is the type of a key: of several, their tuple.
func (c *checker) keyType(args []syntax.Expr) *Type {
	if len(args) == 1 {
		t := c.expr(args[0])
		if t != nil && t.Castable() {
			return IntType(8, t.Signed)
		}
		return t
	}
	return c.tupleOf(args)
}

func (c *checker) validKey(t *Type, at diag.Span) bool {
	switch {
	case t.Kind == Void, t.IsAggregate():
		c.errorf(diag.CodeKey, at, "a key can't be %s", describe(t))
	case t.Kind == Tuple && len(t.Fields) == 0:
		c.errorf(diag.CodeKey, at, "a key can't be an empty tuple, which has no size")
	case t.Ctx && t.Kind == Struct && c.kindIs(append(userKinds(), probe.Tracepoint, probe.RawTracepoint, probe.Fentry, probe.Fexit)...):
		return true // args, which is copied
	case t.Ctx, t.Kind == Pointer && t.Space == SpaceCtx:
		c.errorf(diag.CodeKey, at, "the probe's context can't be part of a key")
	case t.Kind == Tuple, t.Kind == Record:
		for _, f := range t.Fields {
			if !c.validKey(f.Type, at) {
				return false
			}
		}
		return true
	default:
		return true
	}
	return false
}

// checkMaps reports maps that never got a type, and declared kinds that don't go with it.
func (c *checker) checkMaps() {
	for _, m := range c.mapList {
		switch {
		case !m.used && m.decl == nil:
		case !m.used:
			c.warnf(diag.CodeUnusedMap, m.MapInfo.Decl, "Unused map: %s", m.Name)
		case m.Value == nil || !m.scalar && m.Key == nil:
			c.undefinedMap(m)
		case !m.scalar && m.decl == nil && c.info.MaxMapKeys == 0:
			c.errorf(diag.CodeRange, m.MapInfo.Decl, "%s has keys, and max_map_keys is 0", m.Name)
		case m.decl != nil && m.Value.IsAggregate() && (m.Kind == "hash" || m.Kind == "lruhash"):
			c.errorf(diag.CodeMapKind, m.MapInfo.Decl, "%s holds %s, which a %s map can't", m.Name, m.Value, m.Kind).
				Note("use percpu%s", m.Kind)
		case m.decl != nil && !m.Value.IsAggregate() && (m.Kind == "percpuhash" || m.Kind == "percpulruhash"):
			c.errorf(diag.CodeMapKind, m.MapInfo.Decl, "%s holds %s, and a %s map only aggregations such as count()", m.Name, m.Value, m.Kind)
		}
	}
}

func (c *checker) undefinedMap(m *mapVar) {
	if c.rep.Failed() || c.opt.Unsure != nil || slices.ContainsFunc(c.info.Units, func(u *Unit) bool { return u.Blind }) {
		return // its type may be missing for an error that was reported
	}
	d := c.errorf(diag.CodeUndefinedMap, m.MapInfo.Decl, "undefined map: %s", m.Name)
	var names []string
	for _, o := range c.mapList {
		if o != m && o.Value != nil {
			names = append(names, o.Name)
		}
	}
	if near := nearest(m.Name, names); near != "" {
		d.Suggest(near)
	}
}
