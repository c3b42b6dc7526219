package export

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// The messages of OTLP's metrics in their JSON form (opentelemetry-proto,
// collector/metrics/v1 and metrics/v1): numbers of 64 bits are strings.
type (
	otlpRequest struct {
		ResourceMetrics []otlpResource `json:"resourceMetrics"`
	}
	otlpResource struct {
		Resource     otlpAttributes `json:"resource"`
		ScopeMetrics []otlpScope    `json:"scopeMetrics"`
	}
	otlpAttributes struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String string `json:"stringValue"`
	}
	otlpScope struct {
		Scope   otlpName     `json:"scope"`
		Metrics []otlpMetric `json:"metrics"`
	}
	otlpName struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	otlpMetric struct {
		Name        string    `json:"name"`
		Description string    `json:"description"`
		Unit        string    `json:"unit"`
		Sum         *otlpSum  `json:"sum,omitempty"`
		Gauge       *otlpData `json:"gauge,omitempty"`
	}
	otlpData struct {
		DataPoints []otlpPoint `json:"dataPoints"`
	}
	otlpSum struct {
		otlpData
		AggregationTemporality int  `json:"aggregationTemporality"`
		IsMonotonic            bool `json:"isMonotonic"`
	}
	otlpPoint struct {
		Attributes        []otlpAttribute `json:"attributes,omitempty"`
		StartTimeUnixNano string          `json:"startTimeUnixNano,omitempty"`
		TimeUnixNano      string          `json:"timeUnixNano"`
		AsInt             string          `json:"asInt,omitempty"`
		AsDouble          *float64        `json:"asDouble,omitempty"`
	}
)

// cumulative is AGGREGATION_TEMPORALITY_CUMULATIVE.
const cumulative = 2

// OTLP is the body of a request to OTLP's /v1/metrics: metrics as of a time, of a host and a
// version of skep.
func OTLP(families []Family, at time.Time, host, version string) ([]byte, error) {
	scope := otlpScope{Scope: otlpName{"skep", version}}
	for _, f := range families {
		if len(f.Series) == 0 {
			continue
		}
		var d otlpData
		for _, s := range f.Series {
			p := otlpPoint{TimeUnixNano: nanos(at)}
			for _, l := range s.Labels {
				p.Attributes = append(p.Attributes, attribute("bpf."+strings.SplitN(f.OTLP, ".", 3)[1]+"."+l.Name, l.Value))
			}
			if f.Counter {
				p.StartTimeUnixNano = nanos(s.Since)
			}
			if f.Unit == "s" {
				p.AsDouble = &s.Value
			} else {
				p.AsInt = strconv.FormatInt(int64(s.Value), 10)
			}
			d.DataPoints = append(d.DataPoints, p)
		}
		m := otlpMetric{Name: f.OTLP, Description: f.Help, Unit: f.Unit}
		if f.Counter {
			m.Sum = &otlpSum{d, cumulative, true}
		} else {
			m.Gauge = &d
		}
		scope.Metrics = append(scope.Metrics, m)
	}
	resource := otlpAttributes{[]otlpAttribute{attribute("service.name", "skep"), attribute("host.name", host)}}
	return json.Marshal(otlpRequest{[]otlpResource{{resource, []otlpScope{scope}}}})
}

func attribute(key, value string) otlpAttribute {
	return otlpAttribute{key, otlpValue{strings.ToValidUTF8(value, "\ufffd")}}
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// Rejected is what an OTLP receiver says it didn't take of a request that it took; "" for
// nothing.
func Rejected(answer []byte) string {
	var a struct {
		PartialSuccess struct {
			RejectedDataPoints json.Number `json:"rejectedDataPoints"`
			ErrorMessage       string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return ""
	}
	n := string(a.PartialSuccess.RejectedDataPoints)
	if (n == "" || n == "0") && a.PartialSuccess.ErrorMessage == "" {
		return ""
	}
	return strings.TrimSpace(n + " data points rejected: " + a.PartialSuccess.ErrorMessage)
}
