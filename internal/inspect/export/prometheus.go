package export

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// PrometheusType is the content type of Prometheus' text format.
const PrometheusType = "text/plain; version=0.0.4; charset=utf-8"

var (
	labelEscape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscape  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// WritePrometheus writes metrics in Prometheus' text format.
func WritePrometheus(w io.Writer, families []Family) error {
	b := bufio.NewWriter(w)
	for _, f := range families {
		kind := "gauge"
		if f.Counter {
			kind = "counter"
		}
		b.WriteString("# HELP " + f.Name + " " + helpEscape.Replace(f.Help) + "\n# TYPE " + f.Name + " " + kind + "\n")
		for _, s := range f.Series {
			b.WriteString(f.Name)
			for i, l := range s.Labels {
				b.WriteByte("{,"[min(i, 1)])
				b.WriteString(l.Name + `="` + labelEscape.Replace(strings.ToValidUTF8(l.Value, "\ufffd")) + `"`)
			}
			if len(s.Labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + strconv.FormatFloat(s.Value, 'g', -1, 64) + "\n")
		}
	}
	return b.Flush()
}
