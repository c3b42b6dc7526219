package show

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/inspect"
)

// kindWords are the kinds of objects that are watched.
var kindWords = map[inspect.Kind]string{inspect.KindProg: "program", inspect.KindMap: "map", inspect.KindLink: "link"}

// WatchHeader says that the watch has begun: by the columns' titles, in JSON by an object.
func (p *Printer) WatchHeader(now time.Time) error {
	if j := p.JSON; j != nil {
		j.Open("{")
		j.Member("time", now.UTC().Format(time.RFC3339Nano))
		j.Member("op", "watching")
		j.End("}")
		return j.EndLine()
	}
	p.printf("%-12s  %-8s  %7s  %-15s  %5s  %s\n", "TIME", "WHAT", "PID", "COMM", "UID", "OBJECT")
	return p.Text.Flush()
}

// Watch prints an event in a line of up to width characters (0: any), or as an object of JSON
// in a line, and writes it out.
func (p *Printer) Watch(e *inspect.WatchEvent, width int) error {
	if p.JSON != nil {
		p.watchJSON(e)
		return p.JSON.EndLine()
	}
	pid, comm, uid := "?", "?", "?"
	if e.By != nil {
		pid = strconv.Itoa(e.By.PID)
		if e.By.Comm != "" {
			comm, uid = plain(e.By.Comm), strconv.Itoa(int(e.By.UID))
		}
	}
	if e.Op == "lost" {
		pid, comm, uid = "-", "-", "-"
	}
	line := fmt.Sprintf("%s  %-8s  %7s  %-15s  %5s  %s", e.Time.Format("15:04:05.000"), e.Op, pid, comm, uid, plain(watchObject(e)))
	if width > 0 {
		line = cut(line, width)
	}
	p.printf("%s\n", strings.TrimRight(line, " "))
	return p.Text.Flush()
}

// watchObject is what an event is about.
func watchObject(e *inspect.WatchEvent) string {
	if e.Op == "lost" {
		return fmt.Sprintf("%d events", e.Lost)
	}
	object := fmt.Sprintf("%s %d", kindWords[e.Kind], e.ID)
	if e.ID == 0 {
		object = "a " + kindWords[e.Kind]
	}
	if e.Name != "" {
		object += " " + e.Name
	}
	switch e.Op {
	case "attached":
		object += " to " + e.Point
	case "detached":
		object += " from " + e.Point
	default:
		var words []string
		for _, w := range []string{e.Type, e.Tag} {
			if w != "" {
				words = append(words, w)
			}
		}
		if len(words) > 0 {
			object += " (" + strings.Join(words, ", ") + ")"
		}
	}
	if e.Link != 0 {
		object += fmt.Sprintf(" (link %d)", e.Link)
	}
	if e.Holder {
		object += ", held by this process"
	}
	return object
}

func (p *Printer) watchJSON(e *inspect.WatchEvent) {
	j := p.JSON
	j.Open("{")
	j.Member("time", e.Time.UTC().Format(time.RFC3339Nano))
	j.Member("op", e.Op)
	if e.Op == "lost" {
		j.Member("lost", e.Lost)
		j.End("}")
		return
	}
	j.Member("kind", kindWords[e.Kind])
	j.Member("id", e.ID)
	for _, m := range []struct{ name, value string }{{"type", e.Type}, {"name", e.Name}, {"tag", e.Tag}, {"attached", e.Point}} {
		if m.value != "" {
			j.Member(m.name, m.value)
		}
	}
	if e.Link != 0 {
		j.Member("link_id", e.Link)
	}
	if e.By != nil {
		name := "by"
		if e.Holder {
			name = "held_by"
		}
		j.Name(name)
		j.Open("{")
		j.Member("pid", e.By.PID)
		if e.By.Comm != "" {
			j.Member("comm", e.By.Comm)
			j.Member("uid", e.By.UID)
		}
		j.End("}")
	}
	j.End("}")
}
