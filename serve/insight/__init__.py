"""What the dashboard and the monthly report are made of. It lives in serve because it reads serve's own tables."""
