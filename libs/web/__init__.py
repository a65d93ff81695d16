"""HTTP for all services: the app, who asks, what may come in, and how errors leave.

A service declares each route with `libs.web.routes.route(app, "POST", path, permission=…, body=Model)`; its
handler gets one `Call` (principal, clinic, path, query, body, raw, request) and returns a Starlette response
(`libs.web.answers.json_answer`). Nothing else registers routes: a test walks the OpenAPI documents of all
services and fails for an operation without `x-permission`.

Every service's `main` has `openapi_app() -> FastAPI`, which builds the app as it is served, with all routes,
but without opening a connection or reading a setting; that walk and the docs use it.
"""
