"""What several pages use. In a folder of its own, because Streamlit lists every file in pages/."""
