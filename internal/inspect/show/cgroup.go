package show

import (
	"fmt"

	"github.com/skep-bpf/skep/internal/inspect"
)

// CgroupHeader prints the columns' names; tree: paths of cgroups stand between the rows.
func (p *Printer) CgroupHeader(tree, effective bool) {
	if p.JSON != nil {
		return
	}
	if tree {
		p.printf("CgroupPath\n")
	}
	p.printf("%-8s %-15s ", "ID", "AttachType")
	if !effective {
		p.printf("%-15s ", "AttachFlags")
	}
	p.printf("%-15s\n", "Name")
}

// Cgroup prints a cgroup's programs; tree: with its path.
func (p *Printer) Cgroup(c *inspect.Cgroup, tree, effective bool) {
	if j := p.JSON; j != nil {
		if tree {
			j.Open("{")
			j.Member("cgroup", c.Path)
			j.Name("programs")
		}
		j.Open("[")
		for _, a := range c.Progs {
			cgroupProgJSON(j, a, effective)
		}
		j.End("]")
		if tree {
			j.End("}")
		}
		return
	}
	if tree {
		p.printf("%s\n", c.Path)
	}
	indent := ""
	if c.Depth > 0 {
		indent = "    "
	}
	for _, a := range c.Progs {
		name, _ := inspect.TypeName(inspect.AttachTypes, a.AttachType)
		p.printf("%s%-8d %-15s ", indent, a.Prog.ID, name)
		if !effective {
			p.printf("%-15s ", cgroupFlags(a.Flags))
		}
		p.printf("%-15s", a.Prog.Name)
		switch {
		case a.Function != "":
			p.printf(" %-15s", a.Function)
		case a.Prog.AttachBTF != 0:
			p.printf(" attach_btf_obj_id=%d attach_btf_id=%d", a.Prog.AttachBTFObj, a.Prog.AttachBTF)
		}
		p.printf("\n")
	}
}

func cgroupProgJSON(j *JSON, a inspect.CgroupProg, effective bool) {
	j.Open("{")
	j.Member("id", a.Prog.ID)
	typeMember(j, "attach_type", inspect.AttachTypes, a.AttachType)
	if !effective {
		j.Member("attach_flags", cgroupFlags(a.Flags))
	}
	j.Member("name", a.Prog.Name)
	j.Member("attach_btf_name", a.Function)
	j.Member("attach_btf_obj_id", a.Prog.AttachBTFObj)
	j.Member("attach_btf_id", a.Prog.AttachBTF)
	j.End("}")
}

func cgroupFlags(flags uint32) string {
	switch flags {
	case 0:
		return ""
	case inspect.CgroupMulti:
		return "multi"
	case inspect.CgroupOverride:
		return "override"
	}
	return fmt.Sprintf("unknown(%x)", flags)
}
