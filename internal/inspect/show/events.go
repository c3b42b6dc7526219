package show

import "github.com/skep-bpf/skep/internal/host/sys"

// OutputRecords prints the records of perf events since the last call, at once.
func (p *Printer) OutputRecords(events *sys.OutputEvents) error {
	if p.JSON != nil {
		events.Each(p.outputRecordJSON)
		return p.JSON.Flush()
	}
	events.Each(func(r sys.OutputRecord) {
		switch r.Kind {
		case sys.RecordSample:
			const second = 1_000_000_000
			p.printf("== @%d.%09d CPU: %d index: %d =====\n%s\n", r.Time/second, r.Time%second, r.CPU, r.Index, hexBytes(r.Data))
		case sys.RecordLost:
			p.printf("lost %d events\n", r.Lost)
		default:
			p.printf("unknown event type=%d size=%d\n", r.Kind, r.Size)
		}
	})
	return p.Text.Flush()
}

func (p *Printer) outputRecordJSON(r sys.OutputRecord) {
	j := p.JSON
	j.Open("{")
	j.Member("type", r.Kind)
	j.Member("cpu", r.CPU)
	j.Member("index", r.Index)
	switch r.Kind {
	case sys.RecordSample:
		j.Member("timestamp", r.Time)
		j.Numbers("data", r.Data)
	case sys.RecordLost:
		j.Name("lost")
		j.Open("{")
		j.Member("id", r.ID)
		j.Member("count", r.Lost)
		j.End("}")
	}
	j.End("}")
}
