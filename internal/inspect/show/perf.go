package show

import "github.com/skep-bpf/skep/internal/inspect"

// PerfFD prints a process's perf event or raw tracepoint.
func (p *Printer) PerfFD(f *inspect.PerfFD) {
	kinds := [...]string{"raw_tracepoint", "tracepoint", "kprobe", "kretprobe", "uprobe", "uretprobe"}
	if int(f.Type) >= len(kinds) {
		return
	}
	kind := kinds[f.Type]
	if p.JSON != nil {
		p.perfFDJSON(f, kind)
		return
	}
	p.printf("pid %d  fd %d: prog_id %d  %s  ", f.PID, f.FD, f.Prog, kind)
	switch f.Type {
	case inspect.FDRawTracepoint, inspect.FDTracepoint:
		p.printf("%s\n", f.Name)
	case inspect.FDKprobe, inspect.FDKretprobe:
		if f.Name != "" {
			p.printf("func %s  offset %d\n", f.Name, f.Offset)
		} else {
			p.printf("addr %d\n", f.Addr)
		}
	default:
		p.printf("filename %s  offset %d\n", f.Name, f.Offset)
	}
}

func (p *Printer) perfFDJSON(f *inspect.PerfFD, kind string) {
	j := p.JSON
	j.Open("{")
	j.Member("pid", f.PID)
	j.Member("fd", f.FD)
	j.Member("prog_id", f.Prog)
	j.Member("fd_type", kind)
	switch f.Type {
	case inspect.FDRawTracepoint, inspect.FDTracepoint:
		j.Member("tracepoint", f.Name)
	case inspect.FDKprobe, inspect.FDKretprobe:
		if f.Name != "" {
			j.Member("func", f.Name)
			j.Member("offset", f.Offset)
		} else {
			j.Member("addr", f.Addr)
		}
	default:
		j.Member("filename", f.Name)
		j.Member("offset", f.Offset)
	}
	j.End("}")
}
