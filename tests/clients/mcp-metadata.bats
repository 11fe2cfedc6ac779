# SPDX-License-Identifier: Apache-2.0
# A login of Claude Code at an MCP server (mcp.mjs: @modelcontextprotocol/sdk with oidc-provider) that names no authorization server.
CLIENT=claude
load mcp

@test "a login that knows only its MCP server is refreshed at the authorization server of that one's metadata" {
    change_login 'del(.mcpOAuth[$entry] | .discoveryState, .issuer)'
    oci_oauth refresh --force tools
    oci_oauth refresh --force tools
    [[ $(mcp_requests 'select(.what == "refresh_token") | "\(.status) \(.resource)"') == "200 $URL
200 $URL" ]]
    [[ $(oci_oauth status --json | jq -r '.profiles[] | select(.name == "tools") | .state') == fresh ]]
    saw 'by its metadata (RFC 9728): 2 refreshes of an entry of `mcpOAuth`'
}
