// The git half of Flux's source-controller. Its own main also starts what fetches charts, buckets and images, which
// takes three times as long to build. What reconciles a GitRepository, and what serves the artifact, is Flux's own:
// build-flux.sh puts this file into its module in place of its main.
package main

import (
	"context"
	"os"
	"time"

	"github.com/go-logr/logr"
	flag "github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/artifact/digest"
	"github.com/fluxcd/pkg/artifact/server"
	"github.com/fluxcd/pkg/artifact/storage"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/events"
	feathelper "github.com/fluxcd/pkg/runtime/features"
	"github.com/fluxcd/pkg/runtime/logger"
	"github.com/fluxcd/pkg/runtime/metrics"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/fluxcd/source-controller/internal/controller"
	"github.com/fluxcd/source-controller/internal/features"
)

const name = "source-controller"

func main() {
	var artifacts config.Options
	var logOptions logger.Options
	var gates feathelper.FeatureGates
	artifacts.BindFlags(flag.CommandLine)
	logOptions.BindFlags(flag.CommandLine)
	gates.BindFlags(flag.CommandLine)
	flag.Parse()
	logger.SetLogger(logger.NewLogger(logOptions))
	log := ctrl.Log.WithName("setup")
	if err := run(ctrl.SetupSignalHandler(), log, &artifacts, gates); err != nil {
		log.Error(err, "source-controller ends")
		os.Exit(1)
	}
}

func run(ctx context.Context, log logr.Logger, artifacts *config.Options, gates feathelper.FeatureGates) error {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(sourcev1.AddToScheme(scheme))
	if err := gates.WithLogger(log).SupportedFeatures(features.FeatureGates()); err != nil {
		return err
	}
	kubeconfig, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(kubeconfig, ctrl.Options{
		Scheme:                 scheme,
		HealthProbeBindAddress: "0",
		Metrics:                metricsserver.Options{BindAddress: "0"},
		Client: ctrlclient.Options{Cache: &ctrlclient.CacheOptions{
			DisableFor: []ctrlclient.Object{&corev1.Secret{}, &corev1.ConfigMap{}},
		}},
	})
	if err != nil {
		return err
	}
	recorder, err := events.NewRecorder(manager, ctrl.Log, "", name)
	if err != nil {
		return err
	}
	if digest.Canonical, err = digest.AlgorithmForName(artifacts.ArtifactDigestAlgo); err != nil {
		return err
	}
	store, err := storage.New(artifacts)
	if err != nil {
		return err
	}
	reconciler := controller.GitRepositoryReconciler{
		Client:         manager.GetClient(),
		EventRecorder:  recorder,
		Metrics:        helper.NewMetrics(manager, metrics.MustMakeRecorder(), sourcev1.SourceFinalizer),
		Storage:        store,
		ControllerName: name,
	}
	options := controller.GitRepositoryReconcilerOptions{
		DependencyRequeueInterval: 30 * time.Second,
		RateLimiter:               helper.GetDefaultRateLimiter(),
	}
	if err := reconciler.SetupWithManagerAndOptions(manager, options); err != nil {
		return err
	}
	go func() {
		<-manager.Elected()
		if err := server.Start(ctx, artifacts); err != nil {
			log.Error(err, "artifact server ends")
			os.Exit(1)
		}
	}()
	return manager.Start(ctx)
}
