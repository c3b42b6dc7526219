//go:build linux

package cli

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/testkit"
)

// exporting runs `skep exporter` for a time and returns its messages, line by line, and its end.
func exporting(t *testing.T, args ...string) (lines <-chan string, status <-chan int) {
	t.Helper()
	testkit.Need(t, testkit.Root(), testkit.Feature("btf"))
	r, w := io.Pipe()
	said, ended := make(chan string, 100), make(chan int, 1)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			said <- s.Text()
		}
		close(said)
	}()
	go func() {
		ended <- Main(append([]string{"skep", "exporter"}, args...), strings.NewReader(""), io.Discard, w)
		w.Close()
	}()
	return said, ended
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("%s, %v: %v\n%s", resp.Status, resp.Header, err, body)
	}
	return string(body)
}

// TestExporterScrape reads metrics as Prometheus does, and checks each line's form.
func TestExporterScrape(t *testing.T) {
	testkit.NoLeaks(t)
	lines, status := exporting(t, "--listen", "127.0.0.1:0", "--duration", "3", "--interval", "300ms")
	line := <-lines
	url, ok := strings.CutPrefix(line, "serving ")
	if !ok {
		t.Fatal(line)
	}
	text := scrape(t, url)
	form := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.e+-]+)$`)
	for l := range strings.Lines(text) {
		if !form.MatchString(strings.TrimSuffix(l, "\n")) {
			t.Errorf("not Prometheus' form: %s", l)
		}
	}
	for _, want := range []string{"# TYPE bpf_program_runs_total counter\n", "# TYPE bpf_map_entries gauge\n", "\nbpf_programs ", "\nskep_exporter_collect_seconds "} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if s := <-status; s != 0 {
		t.Errorf("status %d", s)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it's served after the end")
	}
}

// TestExporterOTLP pushes to a receiver that fails first.
func TestExporterOTLP(t *testing.T) {
	testkit.NoLeaks(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20honey, x-tenant=bees")
	var requests, good atomic.Int32
	bodies := make(chan []byte, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Method == "POST" && r.URL.Path == "/v1/metrics" && r.Header.Get("Content-Type") == "application/json" &&
			r.Header.Get("Authorization") == "Bearer honey" && r.Header.Get("X-Tenant") == "bees" {
			good.Add(1)
		}
		bodies <- body
		io.WriteString(w, "{}")
	}))
	defer receiver.Close()
	lines, status := exporting(t, "--otlp", receiver.URL+"?key=secret", "--duration", "2", "--interval", "200ms")
	var said []string
	for l := range lines {
		said = append(said, l)
	}
	text := strings.Join(said, "\n")
	if s := <-status; s != 0 {
		t.Errorf("status %d", s)
	}
	want := regexp.MustCompile(`^pushing to http://127.0.0.1:\d+/v1/metrics
WARNING: push to http://127.0.0.1:\d+/v1/metrics: the receiver answers 503 Service Unavailable; it's tried again each interval
push to http://127.0.0.1:\d+/v1/metrics: works again$`)
	if !want.MatchString(text) || strings.Contains(text, "secret") || strings.Contains(text, "honey") {
		t.Errorf("it says:\n%s", text)
	}
	if n := requests.Load(); good.Load() != n-2 || n < 4 {
		t.Errorf("%d of %d requests were good", good.Load(), n)
	}
	var first struct {
		ResourceMetrics []struct {
			ScopeMetrics []struct{ Metrics []map[string]any }
		}
	}
	if err := json.Unmarshal(<-bodies, &first); err != nil || len(first.ResourceMetrics) != 1 || len(first.ResourceMetrics[0].ScopeMetrics[0].Metrics) == 0 {
		t.Errorf("%v: %+v", err, first)
	}
}

// TestExporterNoReceiver: one that isn't there is told of once, and ends nothing.
func TestExporterNoReceiver(t *testing.T) {
	receiver := httptest.NewServer(http.NotFoundHandler())
	url := receiver.URL
	receiver.Close()
	began := time.Now()
	lines, status := exporting(t, "--otlp", url+"/custom?token=secret", "--duration", "1", "--interval", "200ms")
	n := 0
	for l := range lines {
		if strings.Contains(l, "secret") {
			t.Error(l)
		}
		if strings.HasPrefix(l, "WARNING: push to "+url+"/custom: dial tcp 127.0.0.1:") && strings.HasSuffix(l, "connection refused; it's tried again each interval") {
			n++
		}
	}
	if s := <-status; s != 0 || n != 1 || time.Since(began) < time.Second {
		t.Errorf("status %d, %d warnings", s, n)
	}
}
