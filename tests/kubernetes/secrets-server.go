// SPDX-License-Identifier: Apache-2.0
// An API server made of Kubernetes' own library, which serves Secrets and nothing else: its storage in etcd, watch cache,
// patches, messages and request attributes are real; it has no admission, and does not look at what a Secret has. The
// Roles are those of the manifests, for the users refresher and follower. To build it with Debian's packages, and to run
// what all stores keep beside it:
//   apt-get install golang-go golang-k8s-apiserver-dev golang-k8s-apiextensions-apiserver-dev
//   GO111MODULE=off GOPATH=/usr/share/gocode CGO_ENABLED=0 go build -o secrets-server secrets-server.go
//   SECRETS_SERVER=$PWD/secrets-server tests/kubernetes/lab build/test/tests/kubernetes_test '[contract]'
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/component-base/version"
	compatibility "k8s.io/component-base/compatibility"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
}

func (strategy) NamespaceScoped() bool                                                      { return true }
func (strategy) PrepareForCreate(context.Context, runtime.Object)                           {}
func (strategy) PrepareForUpdate(context.Context, runtime.Object, runtime.Object)           {}
func (strategy) Validate(context.Context, runtime.Object) field.ErrorList                   { return nil }
func (strategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList { return nil }
func (strategy) WarningsOnCreate(context.Context, runtime.Object) []string                  { return nil }
func (strategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string  { return nil }
func (strategy) Canonicalize(runtime.Object)                                                {}
func (strategy) AllowCreateOnUpdate() bool                                                  { return false }
func (strategy) AllowUnconditionalUpdate() bool                                             { return true }

func attributes(object runtime.Object) (labels.Set, fields.Set, error) {
	secret := object.(*corev1.Secret)
	return secret.Labels, generic.ObjectMetaFieldsSet(&secret.ObjectMeta, true), nil
}

// What the manifests' Roles say, by resourceNames.
func authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if !a.IsResourceRequest() {
		return authorizer.DecisionAllow, "", nil
	}
	who, name := a.GetUser().GetName(), a.GetName()
	isAccess := strings.HasPrefix(name, "oci-oauth-") && !strings.HasSuffix(name, "-login")
	isLogin := strings.HasPrefix(name, "oci-oauth-") && strings.HasSuffix(name, "-login")
	reads := a.GetVerb() == "list" || a.GetVerb() == "watch"
	if who == "admin" || (who == "follower" && reads && isAccess) ||
		(who == "refresher" && (isAccess || isLogin) && (reads || a.GetVerb() == "patch")) ||
		(who == "refresher" && a.GetVerb() == "create" && os.Getenv("MAY_CREATE") != "") {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := apiextensionsopenapi.GetOpenAPIDefinitions(ref)
	object := func(properties map[string]spec.Schema, uses ...string) common.OpenAPIDefinition {
		return common.OpenAPIDefinition{Schema: spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}, Properties: properties}}, Dependencies: uses}
	}
	text := *spec.StringProperty()
	bytes := spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}, AdditionalProperties: &spec.SchemaOrBool{Allows: true, Schema: spec.StrFmtProperty("byte")}}}
	strs := spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}, AdditionalProperties: &spec.SchemaOrBool{Allows: true, Schema: spec.StringProperty()}}}
	meta := func(name string) spec.Schema {
		return spec.Schema{SchemaProps: spec.SchemaProps{Default: map[string]interface{}{}, Ref: ref(name)}}
	}
	secretName, listName := corev1.Secret{}.OpenAPIModelName(), corev1.SecretList{}.OpenAPIModelName()
	objectMeta, listMeta := metav1.ObjectMeta{}.OpenAPIModelName(), metav1.ListMeta{}.OpenAPIModelName()
	all[secretName] = object(map[string]spec.Schema{"apiVersion": text, "kind": text, "type": text, "immutable": *spec.BooleanProperty(),
		"data": bytes, "stringData": strs, "metadata": meta(objectMeta)}, objectMeta)
	all[listName] = object(map[string]spec.Schema{"apiVersion": text, "kind": text,
		"items": *spec.ArrayProperty(&spec.Schema{SchemaProps: spec.SchemaProps{Ref: ref(secretName)}}), "metadata": meta(listMeta)}, secretName, listMeta)
	return all
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	port := flag.Int("port", 6443, "")
	certificate := flag.String("certificate", "", "")
	key := flag.String("key", "", "")
	etcd := flag.String("etcd", "", "")
	tokens := flag.String("tokens", "", "CSV: token,user,uid")
	flag.Parse()

	scheme := runtime.NewScheme()
	must(corev1.AddToScheme(scheme))
	scheme.AddKnownTypes(schema.GroupVersion{Version: runtime.APIVersionInternal}, &corev1.Secret{}, &corev1.SecretList{})
	must(scheme.SetVersionPriority(corev1.SchemeGroupVersion))
	codecs := serializer.NewCodecFactory(scheme)

	config := genericapiserver.NewRecommendedConfig(codecs)
	config.EffectiveVersion = compatibility.NewEffectiveVersionFromString(version.DefaultKubeBinaryVersion, "", "")
	serving := options.NewSecureServingOptions().WithLoopback()
	serving.BindAddress = net.ParseIP("127.0.0.1")
	serving.BindPort = *port
	serving.ServerCert.CertKey = options.CertKey{CertFile: *certificate, KeyFile: *key}
	must(serving.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig))
	known, err := tokenfile.NewCSV(*tokens)
	must(err)
	config.Authentication.Authenticator = bearertoken.New(known)
	config.Authorization.Authorizer = authorizer.AuthorizerFunc(authorize)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, openapinamer.NewDefinitionNamer(scheme))
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, openapinamer.NewDefinitionNamer(scheme))
	storageOptions := options.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", codecs.LegacyCodec(corev1.SchemeGroupVersion)))
	storageOptions.StorageConfig.Transport.ServerList = []string{*etcd}
	must(storageOptions.ApplyTo(&config.Config))

	server, err := config.Complete().New("secrets", genericapiserver.NewEmptyDelegate())
	must(err)
	rules := strategy{scheme, names.SimpleNameGenerator}
	secrets := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &corev1.Secret{} },
		NewListFunc:               func() runtime.Object { return &corev1.SecretList{} },
		DefaultQualifiedResource:  schema.GroupResource{Resource: "secrets"},
		SingularQualifiedResource: schema.GroupResource{Resource: "secret"},
		PredicateFunc: func(label labels.Selector, field fields.Selector) storage.SelectionPredicate {
			return storage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
		},
		CreateStrategy: rules, UpdateStrategy: rules, DeleteStrategy: rules,
		TableConvertor: rest.NewDefaultTableConvertor(schema.GroupResource{Resource: "secrets"}),
	}
	must(secrets.CompleteWithOptions(&generic.StoreOptions{RESTOptions: config.RESTOptionsGetter, AttrFunc: attributes}))
	group := genericapiserver.NewDefaultAPIGroupInfo("", scheme, metav1.ParameterCodec, codecs)
	group.VersionedResourcesStorageMap["v1"] = map[string]rest.Storage{"secrets": secrets}
	must(server.InstallLegacyAPIGroup("/api", &group))
	must(server.PrepareRun().RunWithContext(genericapiserver.SetupSignalContext()))
}
