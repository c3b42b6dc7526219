package srcline

// abbrevs is an abbreviation table, decoded as far as codes were asked for. Codes are
// mostly 1, 2, 3 … in this order.
type abbrevs struct {
	rest   cursor
	dense  []abbrev
	sparse map[uint64]*abbrev
}

type abbrev struct {
	tag      uint64
	children bool
	fields   []field
}

// field is an attribute and how it's written.
type field struct {
	attr, form uint64
	implicit   int64
}

// find is nil for a code that the table doesn't have.
func (t *abbrevs) find(code uint64) *abbrev {
	for {
		if code-1 < uint64(len(t.dense)) {
			return &t.dense[code-1]
		}
		if a := t.sparse[code]; a != nil {
			return a
		}
		next := t.rest.uleb()
		if t.rest.bad || next == 0 {
			t.rest.bad = true
			return nil
		}
		a := t.read()
		if next == uint64(len(t.dense))+1 {
			t.dense = append(t.dense, a)
			continue
		}
		if t.sparse == nil {
			t.sparse = map[uint64]*abbrev{}
		}
		t.sparse[next] = &a
	}
}

// read decodes what follows a code.
func (t *abbrevs) read() abbrev {
	c := &t.rest
	a := abbrev{tag: c.uleb(), children: c.uint(1) != 0}
	for !c.bad {
		f := field{attr: c.uleb(), form: c.uleb()}
		if f.form == formImplicitConst {
			f.implicit = c.sleb()
		}
		if f.attr == 0 && f.form == 0 {
			break
		}
		a.fields = append(a.fields, f)
	}
	return a
}
