{{- define "chihaya.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chihaya.labels" -}}
{{ include "chihaya.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Mistakes that would otherwise show as peers that do not find each other. */ -}}
{{- define "chihaya.check" -}}
{{- $several := or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- if and $several (eq .Values.config.storage.name "memory") }}
{{- fail "several replicas with config.storage.name \"memory\": each would have swarms of its own. Set it to \"redis\", or have one replica" }}
{{- end }}
{{- if and $several (not .Values.config.udp.private_key) }}
{{- fail "several replicas without config.udp.private_key: each would refuse the others' connection ids. Set it to a secret text" }}
{{- end }}
{{- end }}
