package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect/export"
)

// exporterOptions are those of `skep exporter`.
type exporterOptions struct {
	listen, otlp, interval, by, duration string
	maxSeries                            int
}

// defaultListen is where the exporter listens unless it's told otherwise: this machine only.
const defaultListen = "127.0.0.1:9477"

// exporterCommand is `skep exporter`: metrics of programs and maps.
func (a *app) exporterCommand() *cobra.Command {
	o := new(exporterOptions)
	c := &cobra.Command{
		Use: "exporter", Short: "Export metrics of BPF programs and maps to Prometheus or OpenTelemetry",
		Long: "Serve metrics of BPF programs and maps to Prometheus at http://ADDRESS/metrics, push them to\n" +
			"an OpenTelemetry receiver, or both, until interrupted. The kernel's run statistics are on\n" +
			"while it runs. Headers for the receiver are taken from OTEL_EXPORTER_OTLP_HEADERS.",
		Example: "  skep exporter                                 at " + defaultListen + "\n  skep exporter --listen :9477 --by name        for all machines to see\n" +
			"  skep exporter --otlp http://localhost:4318    push each 15 seconds",
		Args: wantArgs(0, 0, "no arguments"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVerb(new(bpfFlags), func(b *bpfRun) error { return b.export(o) }, args)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.listen, "listen", "l", "", "serve Prometheus at `ADDRESS`; without --otlp "+defaultListen)
	f.StringVar(&o.otlp, "otlp", "", "push OTLP's JSON over HTTP to `URL`; /v1/metrics is added to one without a path")
	f.StringVarP(&o.interval, "interval", "i", "15s", "read the counters, and push, each `time`")
	f.StringVar(&o.by, "by", "id", "a series for each `KEY` of programs: "+strings.Join(export.Groupings(), ", "))
	f.IntVar(&o.maxSeries, "max-series", 2000, "`N` series of programs and maps at most")
	f.StringVarP(&o.duration, "duration", "d", "", "end after this `time`: 10, 500ms, 2m")
	return c
}

// exporter is a running `skep exporter`.
type exporter struct {
	*bpfRun
	mu        sync.Mutex // of the collector
	collector *export.Collector
	target    *url.URL // nil: nothing is pushed
	headers   http.Header
	client    *http.Client
	failing   bool // the last push failed
}

// A scrape reads the counters anew when they're older than freshness; what else has time
// limits has these.
const (
	freshness   = time.Second
	httpTimeout = 10 * time.Second
	mapTime     = 500 * time.Millisecond
)

func (b *bpfRun) export(o *exporterOptions) (err error) {
	every, err := parseDuration(o.interval)
	if err != nil || every < 100*time.Millisecond {
		return usagef("--interval takes a time such as 15 or 500ms, 100ms at least, not %q", o.interval)
	}
	conf := export.Config{By: export.Grouping(o.by), MaxSeries: o.maxSeries, MapTime: mapTime}
	if err := conf.Check(); err != nil {
		return usagef("%v", err)
	}
	e := &exporter{bpfRun: b, client: &http.Client{Timeout: httpTimeout}}
	if o.otlp != "" {
		if e.target, err = otlpURL(o.otlp); err != nil {
			return err
		}
		if e.headers, err = otlpHeaders(os.Getenv("OTEL_EXPORTER_OTLP_HEADERS")); err != nil {
			return err
		}
	} else if o.listen == "" {
		o.listen = defaultListen
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.duration != "" {
		d, err := parseDuration(o.duration)
		if err != nil {
			return usagef("--duration takes a time such as 10, 500ms or 2m, not %q", o.duration)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var listener net.Listener
	if o.listen != "" {
		if listener, err = net.Listen("tcp", o.listen); err != nil {
			return listenError(o.listen, err)
		}
		defer listener.Close()
	}
	var missing []error
	if e.collector, missing, err = export.Start(b.reader, conf); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.collector.Close()) }()
	b.lacking(missing)
	b.tellLacks() // now, and not in the end
	b.lacks = nil
	return e.run(ctx, listener, every)
}

// listenError explains an address that can't be listened at.
func listenError(addr string, err error) error {
	if _, _, serr := net.SplitHostPort(addr); serr != nil {
		return usagef("--listen takes HOST:PORT or :PORT, not %q", addr)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen at %s: the port is in use", addr)
	}
	return fmt.Errorf("listen at %s: %w", addr, err)
}

// otlpURL reads the receiver's address.
func otlpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usagef("--otlp takes a URL such as http://localhost:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/metrics"
	}
	return u, nil
}

// otlpHeaders reads OpenTelemetry's "name=value,name=value", values being URL-encoded.
// Messages don't repeat it: it may have secrets.
func otlpHeaders(s string) (http.Header, error) {
	h := http.Header{}
	for part := range strings.SplitSeq(s, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || err != nil || name == "" {
			return nil, usagef("OTEL_EXPORTER_OTLP_HEADERS has name=value, separated by commas")
		}
		h.Set(name, value)
	}
	return h, nil
}

// run serves and pushes until ctx is done; then it ends the requests that run, and pushes
// once more.
func (e *exporter) run(ctx context.Context, listener net.Listener, every time.Duration) error {
	served := make(chan error, 1)
	server := &http.Server{
		Handler: e.handler(), ReadHeaderTimeout: httpTimeout, ReadTimeout: httpTimeout, WriteTimeout: 3 * httpTimeout, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 1 << 16,
	}
	if listener != nil {
		go func() { served <- server.Serve(listener) }()
		fmt.Fprintf(e.err, "serving http://%s/metrics\n", listener.Addr())
	}
	if e.target != nil {
		fmt.Fprintf(e.err, "pushing to %s\n", place(e.target))
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case err := <-served:
			return fmt.Errorf("serve metrics: %w", err)
		case <-ticker.C:
			if err := e.tick(ctx); err != nil {
				return err
			}
			continue
		case <-ctx.Done():
		}
		break
	}
	end, cancel := context.WithTimeout(context.Background(), 2*httpTimeout) // beyond a request's own limit
	defer cancel()
	err := e.tick(end)
	if listener != nil {
		err = errors.Join(err, server.Shutdown(end))
	}
	return err
}

// tick reads the counters and pushes them. A receiver that fails is told of once; counters
// go on, so that nothing of them is lost.
func (e *exporter) tick(ctx context.Context) error {
	families, at, err := e.collect(0)
	if err != nil || e.target == nil {
		return err
	}
	err = e.push(ctx, families, at)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // cut short by the end; the last push comes
	case err != nil && !e.failing:
		fmt.Fprintf(e.err, "WARNING: push to %s: %v; it's tried again each interval\n", place(e.target), err)
	case err == nil && e.failing:
		fmt.Fprintf(e.err, "push to %s: works again\n", place(e.target))
	}
	e.failing = err != nil
	return nil
}

// collect are the metrics, read anew when they're older than age.
func (e *exporter) collect(age time.Duration) ([]export.Family, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.collector.Age() >= age {
		if err := e.collector.Collect(); err != nil {
			return nil, time.Time{}, err
		}
	}
	return e.collector.Families(), time.Now(), nil
}

// place is a URL without what may be secret in it.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }

// push sends metrics to the receiver.
func (e *exporter) push(ctx context.Context, families []export.Family, at time.Time) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	body, err := export.OTLP(families, at, host, Version)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.target.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL can't be requested")
	}
	req.Header = e.headers.Clone()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "skep/"+Version)
	resp, err := e.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may have secrets
		}
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	switch {
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("the receiver answers %s", resp.Status)
	case err != nil:
		return err
	}
	if why := export.Rejected(answer); why != "" {
		return errors.New(why)
	}
	return nil
}

// handler serves /metrics, and a line that leads there.
func (e *exporter) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		families, _, err := e.collect(freshness)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", export.PrometheusType)
		// An error means that the scraper went away.
		_ = export.WritePrometheus(w, families)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "skep exporter: metrics of BPF programs and maps are at /metrics\n")
	})
	return mux
}
